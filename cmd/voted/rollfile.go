package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"voted/client"
)

// rollReader reads entries of a roll; errRollEnd ends it.
type rollReader interface {
	next() (client.RollEntry, error)
}

var errRollEnd = errors.New("end of the roll")

// newRollReader reads CSV or NDJSON: as told, by the name, or by the first byte.
func newRollReader(name, format string, r io.Reader) (rollReader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if format == "auto" {
		switch first, _ := in.Peek(1); {
		case strings.HasSuffix(name, ".csv"):
			format = "csv"
		case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), len(first) > 0 && first[0] == '{':
			format = "ndjson"
		default:
			format = "csv"
		}
	}
	if format == "ndjson" {
		return &ndjsonRoll{in: in}, nil
	}
	return newCSVRoll(in)
}

type ndjsonRoll struct {
	in   *bufio.Reader
	line int
}

func (n *ndjsonRoll) next() (client.RollEntry, error) {
	for {
		text, err := n.in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return client.RollEntry{}, errRollEnd
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return client.RollEntry{}, fmt.Errorf("line %d: %w", n.line+1, err)
		}
		n.line++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var e client.RollEntry
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil || e.Voter == "" {
			return e, fmt.Errorf(`line %d is not an entry such as {"voter":"v-17","weight":3}`, n.line)
		}
		return e, nil
	}
}

type csvRoll struct {
	in       *csv.Reader
	weighted bool
}

func newCSVRoll(in *bufio.Reader) (*csvRoll, error) {
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(len(bom)) // it was just peeked at
	}
	c := &csvRoll{in: csv.NewReader(in)}
	c.in.ReuseRecord = true
	titles, err := c.in.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch strings.ToLower(strings.Join(titles, ",")) {
	case "voter,weight":
		c.weighted = true
	case "voter":
	default:
		return nil, errors.New("the first line must be the titles: voter,weight or voter")
	}
	return c, nil
}

func (c *csvRoll) next() (client.RollEntry, error) {
	record, err := c.in.Read()
	if errors.Is(err, io.EOF) {
		return client.RollEntry{}, errRollEnd
	}
	if err != nil {
		return client.RollEntry{}, err // names the line
	}
	line, _ := c.in.FieldPos(0)
	e := client.RollEntry{Voter: strings.Clone(record[0]), Weight: 1}
	if e.Voter == "" {
		return e, fmt.Errorf("line %d names no voter", line)
	}
	if c.weighted {
		w, err := strconv.ParseUint(strings.TrimSpace(record[1]), 10, 32)
		if err != nil || w == 0 {
			return e, fmt.Errorf("line %d: a weight is a whole number from 1 on, not %q", line, record[1])
		}
		e.Weight = uint32(w)
	}
	return e, nil
}
