package blt

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"voted/internal/profile"
	"voted/internal/tally"
)

// Write writes the rankings of p, the most frequent first. p is sorted.
func Write(w io.Writer, p *profile.Profile) error {
	if p.Form != tally.Ranking {
		return &profile.UnwritableError{Detail: "BLT holds rankings, and these ballots have none; use another format"}
	}
	p.Sort(true)
	out := bufio.NewWriter(w)
	line := []byte{}
	flush := func(end string) {
		line = append(append(line, end...), '\n')
		_, _ = out.Write(line) // Flush returns the error
		line = line[:0]
	}
	line = append(strconv.AppendInt(line, int64(len(p.Options)), 10), ' ')
	line = strconv.AppendInt(line, int64(max(p.Seats, 1)), 10)
	flush("")
	for _, option := range p.Withdrawn {
		line = strconv.AppendInt(append(line, '-'), int64(option+1), 10)
		flush("")
	}
	for i := range p.Groups {
		line = append(strconv.AppendInt(line, p.Groups[i].Weight, 10), ' ')
		for _, rank := range p.Groups[i].Ranking {
			line = append(appendRank(line, rank), ' ')
		}
		flush("0")
	}
	flush("0")
	for _, name := range append(p.Names(), profile.OneLine(p.Title)) {
		flush(quoted(name))
	}
	return out.Flush()
}

func appendRank(line []byte, rank []int) []byte {
	if len(rank) == 0 {
		return append(line, '-')
	}
	for i, option := range rank {
		if i > 0 {
			line = append(line, '=')
		}
		line = strconv.AppendInt(line, int64(option+1), 10)
	}
	return line
}

// quoted puts a name into quotes. BLT has no way to write a quote in it.
func quoted(name string) string {
	if name == "" {
		name = "untitled"
	}
	return `"` + strings.ReplaceAll(name, `"`, "'") + `"`
}
