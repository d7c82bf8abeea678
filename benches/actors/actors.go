// The actor programs of benches/compare-actors in Go: `actors PROGRAM COUNT` prints one figure.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

const ring = 1000

func micros(count int, run func()) float64 {
	start := time.Now()
	run()
	return float64(time.Since(start).Nanoseconds()) / 1000 / float64(count)
}

// Start a goroutine that reports and ends, count times.
func spawn(count int) float64 {
	done := make(chan bool, count)
	return micros(count, func() {
		for i := 0; i < count; i++ {
			go func() { done <- true }()
		}
		for i := 0; i < count; i++ {
			<-done
		}
	})
}

// One message to each of count waiting goroutines, and its answer.
func reply(count int) float64 {
	done := make(chan bool, count)
	inboxes := make([]chan chan bool, count)
	for i := range inboxes {
		inbox := make(chan chan bool, 1)
		inboxes[i] = inbox
		go func() { (<-inbox) <- true }()
	}
	runtime.Gosched()
	return micros(count, func() {
		for _, inbox := range inboxes {
			inbox <- done
		}
		for range inboxes {
			<-done
		}
	})
}

// Round trips between two goroutines.
func pingpong(count int) float64 {
	ping, pong := make(chan bool, 1), make(chan bool, 1)
	go func() {
		for range ping {
			pong <- true
		}
	}()
	return micros(count, func() {
		for i := 0; i < count; i++ {
			ping <- true
			<-pong
		}
	})
}

// Hops of one token through a ring, of which main is a member.
func ringHops(count int) float64 {
	first := make(chan int, 1)
	in := first
	for i := 1; i < ring; i++ {
		out := make(chan int, 1)
		go func(in, out chan int) {
			for n := range in {
				out <- n - 1
			}
		}(in, out)
		in = out
	}
	return micros(count, func() {
		first <- count
		for n := range in {
			if n <= 0 {
				return
			}
			first <- n - 1
		}
	})
}

// Values through an unbuffered channel.
func channel(count int) float64 {
	values := make(chan int)
	go func() {
		for i := 0; i < count; i++ {
			values <- i
		}
		close(values)
	}()
	return micros(count, func() {
		for range values {
		}
	})
}

func resident() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

// Bytes of a goroutine that waits on a channel of its own.
func memory(count int) float64 {
	inboxes := make([]chan bool, count)
	before := resident()
	for i := range inboxes {
		inbox := make(chan bool, 1)
		inboxes[i] = inbox
		go func() { <-inbox }()
	}
	runtime.Gosched()
	after := resident()
	for _, inbox := range inboxes {
		inbox <- true
	}
	return float64(after-before) / float64(count)
}

func main() {
	programs := map[string]func(int) float64{
		"spawn": spawn, "reply": reply, "pingpong": pingpong, "ring": ringHops, "channel": channel, "memory": memory,
	}
	if len(os.Args) == 3 {
		count, err := strconv.Atoi(os.Args[2])
		if program, known := programs[os.Args[1]]; known && err == nil && count > 0 {
			fmt.Printf("%.4f\n", program(count))
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: actors spawn|reply|pingpong|ring|channel|memory COUNT")
	os.Exit(2)
}
