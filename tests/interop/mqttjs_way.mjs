// How the scripts on stock MQTT.js connect: MQTT_SCHEME is mqtt, mqtts, ws or wss, MQTT_PATH what follows the port,
// MQTT_CAFILE whom they trust.
import fs from 'node:fs';

const scheme = process.env.MQTT_SCHEME ?? 'mqtt';
const isSecure = scheme.endsWith('s') && scheme !== 'ws';

export const way = (port) => `${scheme}://${isSecure ? 'localhost' : '127.0.0.1'}:${port}${process.env.MQTT_PATH ?? ''}`;

export const trust = () => (isSecure ? { ca: fs.readFileSync(process.env.MQTT_CAFILE) } : {});
