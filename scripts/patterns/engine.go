// Says what Go's regexp makes of the cases on standard input: see cases.py.
//
//	python3 scripts/patterns/cases.py go | go run scripts/patterns/engine.go > tests/fixtures/patterns/go.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
)

type asked struct {
	Pattern     string   `json:"pattern"`
	Replacement string   `json:"replacement"`
	Texts       []int `json:"texts"`
}

type said struct {
	Text     int     `json:"text"`
	Spans    [][]int `json:"spans"`
	Replaced string  `json:"replaced,omitempty"`
}

type answer struct {
	Pattern     string `json:"pattern"`
	Replacement string `json:"replacement"`
	Compiles    bool   `json:"compiles"`
	Said        []said `json:"said,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	var texts []string
	in.Scan()
	if err := json.Unmarshal(in.Bytes(), &texts); err != nil {
		panic(err)
	}
	out.Encode(texts)
	for in.Scan() {
		var case_ asked
		if err := json.Unmarshal(in.Bytes(), &case_); err != nil {
			panic(err)
		}
		answer := answer{Pattern: case_.Pattern, Replacement: case_.Replacement}
		if pattern, err := regexp.Compile(case_.Pattern); err == nil {
			answer.Compiles = true
			for _, number := range case_.Texts {
				text := texts[number]
				spans := pattern.FindAllStringIndex(text, -1)
				if spans == nil {
					spans = [][]int{}
				}
				// Left out where nothing matches.
				replaced := ""
				if len(spans) > 0 {
					replaced = pattern.ReplaceAllString(text, case_.Replacement)
				}
				answer.Said = append(answer.Said, said{number, spans, replaced})
			}
		}
		out.Encode(answer)
	}
}
