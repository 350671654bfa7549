// SPDX-License-Identifier: MIT
//
// Ten thousand goroutines that talk, sleep and wait; timers, signals to
// oneself, a garbage collector that works meanwhile.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func ring(n, rounds int) int {
	first := make(chan int)
	in := first
	for i := 0; i < n; i++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	sum := 0
	for i := 0; i < rounds; i++ {
		first <- 0
		sum += <-in
	}
	close(first)
	<-in
	return sum
}

func sleepers(n int) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			time.Sleep(time.Duration(i%10) * time.Millisecond)
			garbage := make([]byte, 10000)
			garbage[i] = 1
			mu.Lock()
			total += int(garbage[i])
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	return total
}

func main() {
	fmt.Println("ring", ring(10000, 3))
	fmt.Println("sleepers", sleepers(10000))
	runtime.GC()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	func() {
		defer func() { fmt.Println(recover()) }()
		var p *[4]int
		p[1] = 2
	}()
	os.Exit(9)
}
