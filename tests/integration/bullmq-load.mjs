// Makes a real BullMQ queue look the way a test needs it, with the BullMQ of tests/npm, and says on its
// last line, as JSON, what BullMQ itself counts. Every wait is for an event of a worker.
//
//   node bullmq-load.mjs backlog|create|still|work|stall --bullmq bullmq-v5 --url redis://127.0.0.1:6379
//     [--queue mail] [--prefix bull] [--jobs 60] [--fail 0.3]
//
// backlog jobs that have waited for ten minutes, and nobody works them off
// create  only lets the queue exist
// still   waiting, prioritized, delayed, failed and active jobs, and a second queue "<queue>-paused"; what
//         is active stays so, its worker is gone
// work    adds jobs and works them off; attempt k of job i fails by a fixed rule, three attempts each,
//         every second job with a backoff
// stall   a worker takes jobs and dies; another finds them stalled and does them
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../npm/package.json', import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    bullmq: { type: 'string', default: 'bullmq-v5' },
    url: { type: 'string' },
    queue: { type: 'string', default: 'mail' },
    prefix: { type: 'string', default: 'bull' },
    jobs: { type: 'string', default: '60' },
    fail: { type: 'string', default: '0.3' },
  },
});
const { Queue, Worker } = require(options.bullmq);
const { hostname, port } = new URL(options.url);
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
const common = { connection, prefix: options.prefix };
const jobs = Number(options.jobs);
const attempts = 3;

/** The same for the same words, in every run: 0..1. */
const roll = (...words) => createHash('md5').update(words.join('/')).digest().readUInt32BE(0) / 2 ** 32;

/** A promise, and the function that keeps it. */
function promised() {
  let keep;
  const promise = new Promise((resolve) => { keep = resolve; });
  return [promise, keep];
}

async function countsOf(queue) {
  const counts = {};
  for (const state of ['wait', 'paused', 'active', 'delayed', 'failed', 'prioritized']) {
    counts[state] = (await queue.getJobCounts(state))[state] ?? 0;
  }
  return counts;
}

async function create() {
  const queue = new Queue(options.queue, common);
  await queue.waitUntilReady();
  await queue.getJobCounts();
  await queue.close();
  return {};
}

async function backlog() {
  const queue = new Queue(options.queue, common);
  const timestamp = Date.now() - 600_000;
  const waiting = Array.from({ length: jobs }, (_, i) => ({ name: 'job', data: { i }, opts: { timestamp } }));
  await queue.addBulk(waiting);
  const counts = await countsOf(queue);
  await queue.close();
  return { counts };
}

/** Works the queue until `count` jobs have ended for good; `fails(job)` decides about an attempt. */
async function workOff(name, count, fails, more = {}) {
  const [done, finish] = promised();
  const seen = { completed: 0, attemptsFailed: 0, failed: 0, stalled: 0 };
  const end = () => { if (seen.completed + seen.failed === count) finish(); };
  const worker = new Worker(name, async (job) => {
    if (fails(job)) throw new Error('upstream 503');
    return { ok: true };
  }, { ...common, concurrency: 4, ...more });
  worker.on('completed', () => { seen.completed++; end(); });
  worker.on('stalled', () => { seen.stalled++; });
  worker.on('failed', (job) => {
    seen.attemptsFailed++;
    if (job.attemptsMade >= (job.opts.attempts ?? 1)) seen.failed++;
    end();
  });
  worker.on('error', (error) => console.error(error.message));
  await done;
  await worker.close();
  return seen;
}

async function still() {
  const queue = new Queue(options.queue, common);
  const paused = new Queue(`${options.queue}-paused`, common);
  for (let i = 0; i < 3; i++) await queue.add('bad', { i });
  await workOff(options.queue, 3, () => true);
  for (let i = 0; i < 2; i++) await queue.add('held', { i });
  const dying = new Worker(options.queue, null, { ...common, lockDuration: 600_000 });
  for (let i = 0; i < 2; i++) await dying.getNextJob('nobody');
  await dying.close(true);
  for (let i = 0; i < 4; i++) await queue.add('later', { i }, { delay: 3_600_000 });
  for (let i = 0; i < 7; i++) await queue.add('job', { i });
  for (let i = 0; i < 5; i++) await queue.add('urgent', { i }, { priority: 1 + i % 2 });
  await paused.pause();
  for (let i = 0; i < 6; i++) await paused.add('job', { i });
  const counts = { [options.queue]: await countsOf(queue), [paused.name]: await countsOf(paused) };
  await Promise.all([queue.close(), paused.close()]);
  return { counts };
}

async function work() {
  const queue = new Queue(options.queue, common);
  for (let i = 0; i < jobs; i++) {
    const backoff = i % 2 ? { type: 'fixed', delay: 20 } : undefined;
    await queue.add('job', { i }, { attempts, backoff, delay: i % 5 ? 0 : 5, removeOnComplete: true });
  }
  const tries = new Map();
  const seen = await workOff(options.queue, jobs, (job) => {
    const attempt = (tries.get(job.data.i) ?? 0) + 1;
    tries.set(job.data.i, attempt);
    return roll(job.data.i, attempt) < Number(options.fail);
  });
  await queue.close();
  return seen;
}

async function stall() {
  const queue = new Queue(options.queue, common);
  for (let i = 0; i < 3; i++) await queue.add('job', { i });
  const dying = new Worker(options.queue, null, { ...common, lockDuration: 200 });
  for (let i = 0; i < 3; i++) await dying.getNextJob('nobody');
  await dying.close(true);
  const seen = await workOff(options.queue, 3, () => false, { stalledInterval: 300 });
  await queue.close();
  return seen;
}

const modes = { backlog, create, still, work, stall };
console.log(JSON.stringify(await modes[positionals[0]]()));
process.exit(0);
