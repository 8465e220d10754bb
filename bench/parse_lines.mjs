// The peer in JavaScript: JSON.parse of every line, and the same fields read. Prints how many events it saw.
import { readFileSync } from 'node:fs';

const seen = { events: 0, statuses: 0, texts: 0, times: 0, exceptions: 0 };
const log = readFileSync(process.argv[2]);
for (let start = 0; start < log.length;) {
  const end = log.indexOf(10, start);
  const trace = JSON.parse(log.toString('utf8', start, end));
  seen.events += 1;
  seen.statuses += trace.event.response?.status ?? 0;
  seen.times += trace.eventTimestamp + trace.wallTime + trace.cpuTime;
  seen.texts += trace.scriptName.length + trace.scriptVersion.id.length + trace.outcome.length;
  seen.texts += trace.event.request?.url.length ?? 0;
  seen.exceptions += trace.exceptions.length;
  start = end + 1;
}
console.log(JSON.stringify(seen));
