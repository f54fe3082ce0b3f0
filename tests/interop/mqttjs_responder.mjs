// A responder on stock MQTT.js: answers every request on FILTER with TEXT, and shows what it got.
// Usage: node mqttjs_responder.mjs PORT FILTER TEXT
import mqtt from 'mqtt';
import { trust, way } from './mqttjs_way.mjs';

const [port, filter, text] = process.argv.slice(2);
const client = mqtt.connect(way(port), {
  protocolVersion: 5,
  clientId: 'mqttjs-responder',
  reconnectPeriod: 0,
  ...trust(),
});

client.on('connect', () => {
  client.subscribe(filter, { qos: 1 }, (error) => {
    if (error) throw error;
    console.log('ready');
  });
});

client.on('message', (topic, payload, packet) => {
  const { responseTopic, correlationData, userProperties } = packet.properties ?? {};
  console.log(
    JSON.stringify({
      topic,
      payload: payload.toString(),
      response_topic: responseTopic ?? null,
      correlation_hex: correlationData ? correlationData.toString('hex') : '',
      user: userProperties ?? {},
    }),
  );
  if (responseTopic) {
    client.publish(responseTopic, text, { qos: 1, properties: { correlationData } });
  }
});
