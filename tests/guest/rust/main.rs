// SPDX-License-Identifier: MIT
//
// A static position-independent program of Rust: a pool of threads that share
// the work of sorting, channels, files, a panic that is caught.
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn sort(v: &mut [u64], depth: u32) {
    if v.len() < 2 {
        return;
    }
    if depth == 0 {
        v.sort_unstable();
        return;
    }
    let mid = v.len() / 2;
    v.select_nth_unstable(mid);
    let (a, b) = v.split_at_mut(mid);
    thread::scope(|s| {
        s.spawn(move || sort(a, depth - 1));
        sort(b, depth - 1);
    });
}

fn main() {
    let mut x: u64 = 1;
    let mut v: Vec<u64> = (0..300_000)
        .map(|_| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            x >> 20
        })
        .collect();
    sort(&mut v, 4);
    println!("sorted {} {}", v.windows(2).all(|w| w[0] <= w[1]), v[1000]);

    let (tx, rx) = mpsc::channel();
    let seen = Arc::new(AtomicU64::new(0));
    let names = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..32u64)
        .map(|i| {
            let (tx, seen, names) = (tx.clone(), seen.clone(), names.clone());
            thread::spawn(move || {
                for k in 0..1000 {
                    seen.fetch_add(k * i, Ordering::Relaxed);
                }
                names.lock().unwrap().push(i);
                tx.send(i * i).unwrap();
            })
        })
        .collect();
    drop(tx);
    println!("channel {}", rx.iter().sum::<u64>());
    for t in threads {
        t.join().unwrap();
    }
    names.lock().unwrap().sort();
    println!("{} {:?}", seen.load(Ordering::Relaxed), names.lock().unwrap());

    fs::write("/tmp/rust", "some text").unwrap();
    println!("{:?}", fs::read_to_string("/tmp/rust"));
    println!("{:?}", fs::read("/no/such/file").map_err(|e| e.kind()));
    let r = thread::spawn(|| panic!("on purpose")).join();
    println!("panic {}", r.is_err());
    std::process::exit(6);
}
