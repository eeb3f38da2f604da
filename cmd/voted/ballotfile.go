package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"voted/client"
)

// maxFileLineBytes bounds a line of NDJSON: far above a ballot that ranks 1,024
// options with ids of 64 letters.
const maxFileLineBytes = 1 << 20

// fileBallot is a ballot with where it stands in its file.
type fileBallot struct {
	client.BulkBallot
	Line   uint64
	Offset int64 // bytes read of the file, up to the end of the line
}

// lineError says that one line is no ballot; the next one may be.
type lineError struct {
	Line   uint64
	Voter  string // empty where the line does not even tell
	Detail string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Detail) }

// ballotReader reads the ballots of a file. next returns io.EOF after the last
// one, and a *lineError for a line that can be skipped.
type ballotReader interface {
	next() (fileBallot, error)
}

// newBallotReader chooses by the file's name, and otherwise by its first byte.
func newBallotReader(name, format string, r io.Reader) (ballotReader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if format == "auto" {
		switch ext := strings.ToLower(filepath.Ext(name)); {
		case ext == ".csv":
			format = "csv"
		case ext == ".ndjson" || ext == ".jsonl":
			format = "ndjson"
		default:
			format = "csv"
			if first, _ := buffered.Peek(1); string(first) == "{" {
				format = "ndjson"
			}
		}
	}
	if format == "csv" {
		return newCSVBallots(buffered)
	}
	return &ndjsonBallots{r: buffered}, nil
}

// ndjsonBallots reads a JSON object a line, as the bulk route takes them.
type ndjsonBallots struct {
	r      *bufio.Reader
	line   uint64
	offset int64
}

func (n *ndjsonBallots) next() (fileBallot, error) {
	for {
		text, err := n.read()
		if err != nil {
			return fileBallot{}, err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return n.parse(text)
		}
	}
}

func (n *ndjsonBallots) read() ([]byte, error) {
	var line []byte
	for {
		part, err := n.r.ReadSlice('\n')
		line = append(line, part...)
		n.offset += int64(len(part))
		if errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxFileLineBytes {
			continue
		}
		n.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("line %d is longer than %d bytes; is this a file of ballots, one a line?", n.line, maxFileLineBytes)
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil
		}
		return line, err
	}
}

func (n *ndjsonBallots) parse(text []byte) (fileBallot, error) {
	b := fileBallot{Line: n.line, Offset: n.offset}
	var head struct {
		Voter     string `json:"voter"`
		IfVersion uint64 `json:"if_version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return b, &lineError{n.line, "", "it is not a JSON object with a ballot: " + err.Error()}
	}
	b.Voter, b.IfVersion = head.Voter, head.IfVersion
	if b.Voter == "" {
		return b, &lineError{n.line, "", `it names no "voter"`}
	}
	if err := json.Unmarshal(text, &b.Ballot); err != nil {
		return b, &lineError{n.line, b.Voter, err.Error()}
	}
	if b.Ballot.Selections == nil && b.Ballot.Ranking == nil && b.Ballot.Scores == nil {
		return b, &lineError{n.line, b.Voter, `it has no "selections", "ranking" or "scores"`}
	}
	return b, nil
}

// csvBallots reads columns by their titles: voter, one of selections, ranking
// and scores, and perhaps if_version.
type csvBallots struct {
	r                       *csv.Reader
	voter, choices, version int // columns; -1: not there
	kind                    string
}

func newCSVBallots(r io.Reader) (*csvBallots, error) {
	c := &csvBallots{r: csv.NewReader(r), choices: -1}
	c.r.ReuseRecord = true
	c.r.FieldsPerRecord = -1 // counted here, so that one bad line is one refusal
	head, err := c.r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it cannot be read as CSV: %w", err)
	}
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[i], "\uFEFF")))
	}
	c.voter, c.version = slices.Index(head, "voter"), slices.Index(head, "if_version")
	for _, kind := range []string{"selections", "ranking", "scores"} {
		if i := slices.Index(head, kind); i >= 0 {
			if c.choices >= 0 {
				return nil, fmt.Errorf("the first line has both %s and %s; ballots are of one kind", c.kind, kind)
			}
			c.kind, c.choices = kind, i
		}
	}
	if c.voter < 0 || c.choices < 0 {
		return nil, errors.New("the first line must name the columns: voter, and selections, ranking or scores")
	}
	return c, nil
}

func (c *csvBallots) next() (fileBallot, error) {
	record, err := c.r.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return fileBallot{}, &lineError{uint64(syntax.StartLine), "", syntax.Err.Error()}
	}
	if err != nil {
		return fileBallot{}, err
	}
	at, _ := c.r.FieldPos(0)
	b := fileBallot{Line: uint64(at), Offset: c.r.InputOffset()}
	if len(record) <= max(c.voter, c.choices, c.version) {
		return b, &lineError{b.Line, "", "it has fewer columns than the first line"}
	}
	if b.Voter = strings.TrimSpace(record[c.voter]); b.Voter == "" {
		return b, &lineError{b.Line, "", "it names no voter"}
	}
	if c.version >= 0 && record[c.version] != "" {
		if b.IfVersion, err = strconv.ParseUint(strings.TrimSpace(record[c.version]), 10, 64); err != nil {
			return b, &lineError{b.Line, b.Voter, fmt.Sprintf("%q is not a version", record[c.version])}
		}
	}
	if b.Ballot, err = csvBallot(c.kind, record[c.choices]); err != nil {
		return b, &lineError{b.Line, b.Voter, err.Error()}
	}
	return b, nil
}

// csvBallot reads "ann;bo", a ranking with ties "bo;ann=cy", or scores "ann:5;bo:0".
func csvBallot(kind, cell string) (client.Ballot, error) {
	var parts []string
	for part := range strings.SplitSeq(cell, ";") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	switch kind {
	case "selections":
		return client.Choose(parts...), nil
	case "ranking":
		return client.RankTiers(tiersOf(parts, "=")...), nil
	}
	points := map[string]int{}
	for _, part := range parts {
		id, score, err := splitScore(part, ":")
		if err != nil {
			return client.Ballot{}, err
		}
		points[id] = score
	}
	return client.Score(points), nil
}
