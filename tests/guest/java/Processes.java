// SPDX-License-Identifier: MIT
// ProcessBuilder and ProcessHandle.
import java.io.File;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;

public class Processes {
    static String text(Process p) throws Exception {
        return new String(p.getInputStream().readAllBytes());
    }

    public static void main(String[] args) throws Exception {
        Process sort = new ProcessBuilder("sort", "-r").start();
        try (var out = sort.getOutputStream()) {
            out.write("a\nb\nc\n".getBytes());
        }
        System.out.print(text(sort));
        System.out.println("sort " + sort.waitFor());

        ProcessBuilder shell = new ProcessBuilder(
            "sh", "-c", "echo $WORD in $(pwd); echo error >&2; exit 7");
        shell.environment().put("WORD", "words");
        shell.directory(new File("/tmp")).redirectErrorStream(true);
        Process p = shell.start();
        System.out.print(text(p));
        System.out.println("shell " + p.waitFor());

        File file = new File("/tmp/from-java");
        new ProcessBuilder("seq", "1", "1000")
            .redirectOutput(file).start().waitFor();
        System.out.println(Files.readAllLines(file.toPath()).size());

        var last = ProcessBuilder.startPipeline(List.of(
            new ProcessBuilder("seq", "1", "100"),
            new ProcessBuilder("grep", "7"),
            new ProcessBuilder("wc", "-l"))).get(2);
        System.out.print("pipeline " + text(last));

        Process sleep = new ProcessBuilder("sleep", "100").start();
        System.out.println(sleep.isAlive() + " "
            + sleep.waitFor(50, TimeUnit.MILLISECONDS));
        System.out.println(ProcessHandle.of(sleep.pid()).isPresent());
        sleep.destroy();
        System.out.println("destroyed " + sleep.waitFor());
        Process killed = new ProcessBuilder("sleep", "100").start();
        System.out.println("killed "
            + killed.destroyForcibly().onExit().get().exitValue());
        try {
            new ProcessBuilder("/no/such/program").start();
        } catch (java.io.IOException e) {
            System.out.println(e.getMessage());
        }

        Thread[] threads = new Thread[4];
        int[] sums = new int[threads.length];
        for (int t = 0; t < threads.length; t++) {
            int me = t;
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 5; i++) {
                    try {
                        sums[me] += new ProcessBuilder("sh", "-c", "exit " + i)
                            .start().waitFor();
                    } catch (Exception e) {
                        sums[me] = -1000;
                    }
                }
            });
            threads[t].start();
        }
        for (int t = 0; t < threads.length; t++) {
            threads[t].join();
            System.out.print(sums[t] + " ");
        }
        System.out.println();
        Runtime.getRuntime().addShutdownHook(
            new Thread(() -> System.out.println("hook")));
        System.exit(3);
    }
}
