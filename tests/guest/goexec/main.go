// SPDX-License-Identifier: MIT
// Go's os/exec: output, input, status, pipes between, contexts that end,
// many at once.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println("child", os.Args[1:], os.Getenv("WORD"))
		os.Exit(4)
	}
	out, err := exec.Command("seq", "1", "5").Output()
	fmt.Printf("%q %v\n", out, err)

	sort := exec.Command("sort", "-r")
	sort.Stdin = strings.NewReader("a\nb\nc\n")
	out, err = sort.CombinedOutput()
	fmt.Printf("%q %v\n", out, err)

	self := exec.Command("/proc/self/exe", "one", "two")
	self.Env = append(os.Environ(), "WORD=w")
	out, err = self.Output()
	fmt.Printf("%q %v\n", out, err)

	_, err = exec.Command("no-such-program").Output()
	fmt.Println(err, errors.Is(err, exec.ErrNotFound))
	_, err = exec.Command("sh", "-c", "kill -TERM $$").Output()
	status := err.(*exec.ExitError).Sys().(syscall.WaitStatus)
	fmt.Println(status.Signaled(), status.Signal())

	seq := exec.Command("seq", "1", "100000")
	count := exec.Command("wc", "-l")
	pipe, _ := seq.StdoutPipe()
	count.Stdin = pipe
	seq.Start()
	out, err = count.Output()
	fmt.Printf("%q %v %v\n", out, err, seq.Wait())

	cat := exec.Command("cat")
	in, _ := cat.StdinPipe()
	from, _ := cat.StdoutPipe()
	cat.Start()
	lines := bufio.NewScanner(from)
	for i := 0; i < 100; i++ {
		fmt.Fprintln(in, "line", i)
		lines.Scan()
	}
	in.Close()
	fmt.Println(lines.Text(), cat.Wait())

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(ctx, "sleep", "100").Run(), ctx.Err())

	group := exec.Command("sh", "-c", "sleep 100 & wait")
	group.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	group.Start()
	syscall.Kill(-group.Process.Pid, syscall.SIGKILL)
	fmt.Println(group.Wait())

	var all sync.WaitGroup
	sums := make([]int, 10)
	for i := range sums {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for k := 0; k < 5; k++ {
				var b bytes.Buffer
				c := exec.Command("expr", fmt.Sprint(i), "*", fmt.Sprint(k))
				c.Stdout = &b
				c.Run()
				n := 0
				fmt.Sscan(b.String(), &n)
				sums[i] += n
			}
		}(i)
	}
	all.Wait()
	fmt.Println(sums)
}
