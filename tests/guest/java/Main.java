// SPDX-License-Identifier: MIT
//
// What Java programs lean on: threads, garbage collection, exceptions that
// begin as faults, files by NIO, timers, direct and mapped memory.
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

public class Main {
    static void threads() throws Exception {
        AtomicLong sum = new AtomicLong();
        long[] plain = new long[1];
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int n = i;
            Thread t = new Thread(() -> {
                for (int k = 0; k < 10000; k++) {
                    sum.addAndGet(n);
                    synchronized (plain) {
                        plain[0]++;
                    }
                }
            });
            t.start();
            all.add(t);
        }
        for (Thread t : all) {
            t.join();
        }
        System.out.println("threads " + sum.get() + " " + plain[0]);
    }

    static void garbage() throws Exception {
        ConcurrentHashMap<Integer, byte[]> live = new ConcurrentHashMap<>();
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int n = i;
            Thread t = new Thread(() -> {
                for (int k = 0; k < 20000; k++) {
                    live.put((k * 7 + n) % 1000, new byte[4096 + k % 13]);
                }
            });
            t.start();
            all.add(t);
        }
        for (Thread t : all) {
            t.join();
        }
        System.gc();
        System.out.println("garbage " + live.size());
    }

    static int lengthOf(String s) {
        return s.length();
    }

    static int deep(int n) {
        return n + deep(n + 1);
    }

    static void exceptions() {
        int caught = 0;
        for (int i = 0; i < 20000; i++) { // compiled: a null check is a fault
            try {
                caught += lengthOf(i % 100 == 99 ? null : "x");
            } catch (NullPointerException e) {
                caught += 1000;
            }
        }
        System.out.println("null " + caught);
        try {
            deep(0);
        } catch (StackOverflowError e) {
            System.out.println("overflow");
        }
        try {
            System.out.println(1 / (caught - caught));
        } catch (ArithmeticException e) {
            System.out.println(e.getMessage());
        }
    }

    static void files() throws Exception {
        Path dir = Files.createTempDirectory(Path.of("/tmp"), "j");
        Path f = dir.resolve("file");
        Files.writeString(f, "first line\nsecond\n");
        try (FileChannel ch = FileChannel.open(f, StandardOpenOption.READ,
                                               StandardOpenOption.WRITE)) {
            MappedByteBuffer m =
                ch.map(FileChannel.MapMode.READ_WRITE, 0, ch.size());
            m.put(0, (byte) 'F');
            m.force();
            ByteBuffer direct = ByteBuffer.allocateDirect(5);
            ch.read(direct, 0);
            direct.flip();
            System.out.println("direct " + (char) direct.get(0));
        }
        for (String line : Files.readAllLines(f)) {
            System.out.println(line);
        }
        Files.move(f, dir.resolve("moved"));
        try (var s = Files.list(dir)) {
            s.forEach(p -> System.out.println(p.getFileName()));
        }
        Files.delete(dir.resolve("moved"));
        Files.delete(dir);
        System.out.println(Files.exists(dir));
    }

    static void timers() throws Exception {
        CountDownLatch left = new CountDownLatch(5);
        ScheduledExecutorService e = Executors.newScheduledThreadPool(2);
        e.scheduleAtFixedRate(left::countDown, 1, 1, TimeUnit.MILLISECONDS);
        System.out.println("timers " + left.await(60, TimeUnit.SECONDS));
        e.shutdownNow();
    }

    public static void main(String[] args) throws Exception {
        System.out.println("hello " + String.join(",", args));
        threads();
        garbage();
        exceptions();
        files();
        timers();
        System.exit(args.length + 5);
    }
}
