package measurement

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sheet is a report with one figure.
type sheet struct {
	Rate int `json:"rate"`
}

func (s sheet) WriteTable(out io.Writer) error {
	_, err := io.WriteString(out, "a table\n")
	return err
}

const asJSON = "{\n  \"rate\": 7\n}\n"

func TestAReportIsPrintedAndKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		json    bool
		file    string
		printed string
	}{
		"tables":                   {false, "", "a table\n"},
		"JSON":                     {true, "", asJSON},
		"tables, and a file":       {false, "made/here/report.json", "a table\n"},
		"JSON, printed and a file": {true, "report.json", asJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{JSON: c.json}
			if c.file != "" {
				o.Out = filepath.Join(t.TempDir(), c.file)
			}
			var printed strings.Builder
			if err := o.Deliver(sheet{7}, &printed); err != nil || printed.String() != c.printed {
				t.Errorf("printed %q, %v; want %q", printed.String(), err, c.printed)
			}
			if c.file == "" {
				return
			}
			if kept, err := os.ReadFile(o.Out); err != nil || string(kept) != asJSON {
				t.Errorf("kept %q, %v", kept, err)
			}
		})
	}
}

// full takes nothing.
type full struct{}

var errFull = errors.New("no room")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAReportThatCannotBeDeliveredIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Options{Out: filepath.Join(file, "report.json")}).Deliver(sheet{}, io.Discard); err == nil || !strings.Contains(err.Error(), "cannot be made") {
		t.Errorf("below a file: %v", err)
	}
	if err := (Options{JSON: true}).Deliver(sheet{}, full{}); !errors.Is(err, errFull) {
		t.Errorf("where nothing can be printed: %v", err)
	}
}

func TestTheDirectoryIsMadeWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	dir, about, err := Options{Dir: in}.MakeDir("here")
	if err != nil || filepath.Dir(dir) != in || !strings.HasPrefix(filepath.Base(dir), "voted-here-") {
		t.Fatalf("got %q, %v", dir, err)
	}
	if about.Cores < 1 {
		t.Errorf("the machine is %+v", about)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
	if _, _, err := (Options{Dir: filepath.Join(in, "none")}).MakeDir("here"); err == nil {
		t.Error("a directory was made below one that does not exist")
	}
}

func TestEachStepIsALine(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	Options{Progress: &said}.Say("step %d", 2)
	if said.String() != "step 2\n" {
		t.Errorf("it said %q", said.String())
	}
	Options{}.Say("to no one") // no panic
}
