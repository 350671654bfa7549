// child_process and cluster, over unix sockets.
const child = require('child_process');
const cluster = require('cluster');
const net = require('net');
const path = '/tmp/cluster.sock';

function exec() {
    console.log(child.execSync('echo $((6 * 7))').toString());
    const out = child.spawnSync('sort', ['-r'], {input: 'a\nb\nc\n'});
    console.log(out.status, out.stdout.toString());
    const failed = child.spawnSync('sh', ['-c', 'echo no >&2; exit 3']);
    console.log(failed.status, failed.stderr.toString());
    console.log(child.spawnSync('/no/such').error.code);
    const killed = child.spawn('sleep', ['100']);
    killed.on('exit', (code, signal) => {
        console.log('killed', code, signal);
        fork();
    });
    killed.kill('SIGTERM');
}

function fork() {
    const other = child.fork(__filename, ['forked']);
    other.on('message', m => {
        console.log('message', m);
        if (m.n < 5) {
            other.send({n: m.n + 1});
        } else {
            other.disconnect();
        }
    });
    other.on('exit', code => {
        console.log('forked', code);
        workers();
    });
    other.send({n: 0});
}

// Four workers share one listening socket; every request is answered once.
function workers() {
    let listening = 0;
    let answers = 0;
    let gone = 0;
    cluster.on('listening', () => {
        if (++listening < 4) {
            return;
        }
        for (let i = 0; i < 40; i++) {
            const client = net.connect(path);
            client.end(`${i}`);
            client.on('data', data => {
                answers += Number(data);
            });
            client.on('close', () => {
                if (++gone === 40) {
                    console.log('answers', answers);
                    cluster.disconnect(() => console.log('workers gone'));
                }
            });
        }
    });
    cluster.on('exit', (worker, code) => console.log('worker', code));
    for (let i = 0; i < 4; i++) {
        cluster.fork();
    }
}

if (process.argv[2] === 'forked') {
    process.on('message', m => process.send({n: m.n + 1}));
    process.on('disconnect', () => process.exit(9));
} else if (cluster.isPrimary) {
    exec();
} else {
    net.createServer(socket => {
        socket.on('data', data => socket.end(`${Number(data) * 2}`));
    }).listen(path);
}
