// A requester on stock MQTT.js: subscribes, asks once, prints the answer and its correlation data in hex.
// Usage: node mqttjs_requester.mjs PORT TOPIC RESPONSE_TOPIC CORRELATION PAYLOAD QOS
import mqtt from 'mqtt';
import { trust, way } from './mqttjs_way.mjs';

const [port, topic, responseTopic, correlation, payload, qos] = process.argv.slice(2);
const client = mqtt.connect(way(port), {
  protocolVersion: 5,
  clientId: 'mqttjs-requester',
  reconnectPeriod: 0,
  ...trust(),
});

client.on('connect', () => {
  client.subscribe(responseTopic, { qos: 2 }, (error) => {
    if (error) throw error;
    console.log('ready');
    client.publish(topic, payload, {
      qos: Number(qos),
      properties: { responseTopic, correlationData: Buffer.from(correlation) },
    });
  });
});

client.on('message', (_topic, answer, packet) => {
  console.log(`${packet.properties.correlationData.toString('hex')} ${answer.toString()}`);
  client.end();
});
