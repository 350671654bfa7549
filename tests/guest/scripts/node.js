// SPDX-License-Identifier: MIT
// Worker threads, WebAssembly, promises of files, timers, crypto, streams.
const fs = require('fs');
const { Worker, isMainThread, parentPort, workerData } =
    require('worker_threads');

if (!isMainThread) {
    const shared = new Int32Array(workerData.shared);
    for (let i = 0; i < 10000; i++) {
        Atomics.add(shared, 0, 1);
    }
    Atomics.notify(shared, 1);
    parentPort.postMessage(workerData.n * 2);
    return;
}

// (func (export "f") (param i32 i32) (result i32) (i32.mul (local.get 0)
// (local.get 1)))
const wasm = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0,
    7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 108, 11,
]);

async function workers() {
    const shared = new SharedArrayBuffer(8);
    const answers = await Promise.all([...Array(4).keys()].map(
        n => new Promise((done, fail) => {
            const w = new Worker(__filename, { workerData: { n, shared } });
            w.on('message', done);
            w.on('error', fail);
        })));
    console.log('workers', answers.join(), new Int32Array(shared)[0]);
}

async function files() {
    const p = fs.promises;
    await p.mkdir('/tmp/n/a', { recursive: true });
    await p.writeFile('/tmp/n/a/f', 'some text\n'.repeat(1000));
    await p.appendFile('/tmp/n/a/f', 'end');
    console.log((await p.stat('/tmp/n/a/f')).size,
        (await p.readFile('/tmp/n/a/f', 'utf8')).slice(-8));
    await p.rename('/tmp/n/a/f', '/tmp/n/g');
    console.log(await p.readdir('/tmp/n'));
    let bytes = 0;
    for await (const chunk of fs.createReadStream('/data/random')) {
        bytes += chunk.length;
    }
    console.log('streamed', bytes);
    await p.rm('/tmp/n', { recursive: true });
    await p.readFile('/tmp/n/g').catch(e => console.log(e.code));
}

async function main() {
    const m = await WebAssembly.instantiate(wasm);
    console.log('wasm', m.instance.exports.f(6, 7));
    await workers();
    await files();
    console.log(require('crypto').createHash('sha256')
        .update(fs.readFileSync('/data/random')).digest('hex'));
    const z = require('zlib');
    console.log(z.gunzipSync(z.gzipSync(fs.readFileSync('/data/text'))).length);
    process.on('SIGUSR2', () => {
        console.log('signal');
        setTimeout(() => process.exit(3), 5);
    });
    setInterval(() => {}, 1000);
    process.kill(process.pid, 'SIGUSR2');
}
main();
