// Information of the loop on itself.
import { performance, monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

function busy(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

await wait(1);
const start = performance.eventLoopUtilization();
await wait(200);
const idle = performance.eventLoopUtilization(start);
console.log('waiting is idle:', idle.idle > 150);
const middle = performance.eventLoopUtilization();
busy(100);
const active = performance.eventLoopUtilization(middle);
console.log('working is active:', active.active >= 99, active.idle === 0, active.utilization);
console.log('idle so far:', performance.nodeTiming.idleTime > 150,
            performance.nodeTiming.loopStart > 0, performance.nodeTiming.loopExit);

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
await wait(50);
busy(100);
await wait(50);
delay.disable();
console.log('a delay was seen:', delay.max > 50e6, delay.min > 0, delay.exceeds);
console.log('hrtime goes on:', process.hrtime.bigint() < process.hrtime.bigint());
console.log('process:', process.uptime() > 0.3, process.memoryUsage.rss() > 1e6, process.cpuUsage().user > 1e5,
            process.resourceUsage().maxRSS > 1000);
