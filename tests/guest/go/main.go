// SPDX-License-Identifier: MIT
//
// A static Go program: goroutines, channels, garbage collection, timers.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
	"time"
)

func sum(n int, out chan<- int) {
	total := 0
	for i := 0; i <= n; i++ {
		total += i
	}
	out <- total
}

func garbage() int {
	keep := make(map[int][]byte)
	for i := 0; i < 20000; i++ {
		keep[i%100] = make([]byte, 1000+i%3000)
	}
	runtime.GC()
	return len(keep)
}

func main() {
	out := make(chan int)
	for i := 0; i < 1000; i++ {
		go sum(i, out)
	}
	results := []int{}
	for i := 0; i < 1000; i++ {
		results = append(results, <-out)
	}
	sort.Ints(results)
	fmt.Println("goroutines", len(results), results[10], results[999])
	fmt.Println("garbage", garbage())

	start := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 4; i++ {
		<-ticker.C
	}
	ticker.Stop()
	fmt.Println("ticks", time.Since(start) >= 20*time.Millisecond)
	select {
	case <-out:
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timeout")
	}

	var wg sync.WaitGroup
	var mu sync.Mutex
	count := 0
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 100; j++ {
				mu.Lock()
				count++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	fmt.Println("count", count)

	_, err := os.ReadFile("/no/such/file")
	fmt.Println("missing", errors.Is(err, os.ErrNotExist))
	data, err := os.ReadFile("/data/random")
	fmt.Printf("sha256 %x %v\n", sha256.Sum256(data), err)
	defer func() {
		fmt.Println("recovered", recover() != nil)
		os.Exit(3)
	}()
	var p *int
	fmt.Println(*p)
}
