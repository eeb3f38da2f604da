package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"voted/internal/profilefile"
	"voted/internal/textfile"
	"voted/internal/usage"
)

// readingFlags are how to read a file of ballots or voters; what is not given is detected.
type readingFlags struct {
	Format      string `help:"csv, ndjson, or auto: by the name, or by what the file begins with." enum:"auto,csv,ndjson" default:"auto" placeholder:"FORMAT"`
	Encoding    string `help:"Encoding of the file, such as windows-1252; UTF-8 and UTF-16 are found out." placeholder:"NAME"`
	Separator   string `help:"What separates the columns of CSV: comma, semicolon, tab or pipe; found by the titles." placeholder:"NAME"`
	VoterColumn string `help:"Title of the column that names the voters, in CSV; voter, voter id or email by itself." placeholder:"TITLE"`
}

// inputFile is a file that is being read as text.
type inputFile struct {
	io.Closer
	info      os.FileInfo // nil if there is none
	lines     *textfile.Lines
	csv       bool
	separator byte // 0: found by the titles
}

// input opens a file for lines of up to limit bytes.
func (f *readingFlags) input(name string, limit int) (*inputFile, error) {
	in := &inputFile{}
	var told *textfile.Encoding
	if f.Encoding != "" {
		e, err := textfile.Named(f.Encoding)
		if err != nil {
			return nil, usage.Errorf("--encoding: %w", err)
		}
		told = &e
	}
	if f.Separator != "" {
		var err error
		if in.separator, err = textfile.NamedSeparator(f.Separator); err != nil {
			return nil, usage.Errorf("--separator: %w", err)
		}
	}
	file := os.Stdin
	if name == "-" {
		in.Closer = io.NopCloser(file)
	} else {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, fileProblem(name, err)
		}
		in.Closer = file
	}
	if info, err := file.Stat(); err == nil {
		in.info = info
		if info.IsDir() {
			_ = in.Close() // nothing was written
			return nil, fileProblem(name, syscall.EISDIR)
		}
	}
	lines, err := textfile.NewLines(file, told, limit)
	if err != nil {
		_ = in.Close() // nothing was written
		return nil, usage.Errorf("%s: %w", name, err)
	}
	in.lines = lines
	in.csv = f.table(name, lines)
	return in, f.onlyCSV(in)
}

// table reports whether a file is CSV: by --format, by its name, or by its first character.
func (f *readingFlags) table(name string, lines *textfile.Lines) bool {
	if f.Format != "auto" && f.Format != "" {
		return f.Format == "csv"
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".tab":
		return true
	case ".ndjson", ".jsonl":
		return false
	}
	return !bytes.HasPrefix(bytes.TrimSpace(lines.Peek()), []byte("{"))
}

// onlyCSV refuses flags that would be ignored.
func (f *readingFlags) onlyCSV(in *inputFile) error {
	if in.csv || f.Separator == "" && f.VoterColumn == "" {
		return nil
	}
	_ = in.Close() // nothing was written
	return usage.Errorf("--separator and --voter-column are for CSV, and this file is NDJSON; leave them out")
}

// size is how many bytes the file has, 0 if unknown.
func (in *inputFile) size() int64 {
	if in.info == nil || !in.info.Mode().IsRegular() {
		return 0
	}
	return in.info.Size()
}

// reading describes how a file was read.
type reading struct {
	Format       string   `json:"format"`
	Encoding     string   `json:"encoding"`
	Separator    string   `json:"separator,omitempty"`
	VoterColumn  string   `json:"voter_column,omitempty"` // or the name, in the NDJSON of a secret poll's export
	WeightColumn string   `json:"weight_column,omitempty"`
	Ignored      []string `json:"ignored,omitempty"` // columns or names
	SHA256       string   `json:"sha256,omitempty"`  // of a file without voters
	Voters       string   `json:"voters,omitempty"`  // the first id that was made for such a file
}

func (in *inputFile) reading() reading {
	encoding, _ := in.lines.Encoding()
	r := reading{Format: "ndjson", Encoding: encoding.String()}
	if in.csv {
		r.Format = "csv"
	}
	return r
}

// String is the same for people, on one line.
func (r reading) String() string {
	s := fmt.Sprintf("read as %s in %s", profilefile.Kind(r.Format), r.Encoding)
	if r.Separator != "" {
		s = fmt.Sprintf("read as CSV in %s, columns separated by a %s", r.Encoding, r.Separator)
	}
	if r.VoterColumn != "" {
		s += fmt.Sprintf(", voters from %q", r.VoterColumn)
	}
	if r.Voters != "" {
		s += ", voters from " + r.Voters + " on"
	}
	if r.WeightColumn != "" {
		s += fmt.Sprintf(", weights from %q", r.WeightColumn)
	}
	if len(r.Ignored) > 0 {
		quoted := make([]string, len(r.Ignored))
		for i, title := range r.Ignored {
			quoted[i] = fmt.Sprintf("%.64q", title)
		}
		s += "; not used: " + strings.Join(quoted, ", ")
	}
	return s
}
