// Prints logs and stack traces as Go programs do. A line `===` stands between two logs.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
)

func mark()           { fmt.Fprintln(os.Stderr, "===") }
func say(text string) { fmt.Fprintln(os.Stderr, text); mark() }

func deep(n int) {
	if n == 0 {
		panic("deep down")
	}
	deep(n - 1)
}

func recovered(work func()) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Printf("panic recovered: %v", reason)
			debug.PrintStack()
		}
	}()
	work()
}

func again() {
	defer func() {
		panic(fmt.Sprintf("again: %v", recover()))
	}()
	deep(1)
}

func main() {
	say("starting")
	log.Print("one line")
	mark()
	recovered(func() { deep(3) })
	mark()
	log.Print("between")
	mark()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { deep(1) }))
	http.Get(server.URL)
	mark()
	say(`{"level":"info","msg":"json between"}`)
	say("panic is only a word")
	say("level=info msg=\"last words\"")
	switch os.Args[1] {
	case "nil":
		var nothing *struct{ x int }
		fmt.Println(nothing.x)
	case "again":
		again()
	case "error":
		panic(errors.New("first line\nsecond line"))
	case "deadlock":
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		select {}
	case "map":
		shared := map[int]int{}
		go func() {
			for {
				shared[1] = 1
			}
		}()
		for {
			shared[2] = 2
		}
	default:
		deep(2)
	}
}
