// Package measurement has what every measurement begins and ends with: the options of
// its output, a directory, the description of the machine, and the delivery of its report.
package measurement

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"voted/bench/machine"
)

// Options are the flags that all measurements have.
type Options struct {
	JSON   bool   `help:"Print JSON instead of tables." name:"json"`
	Out    string `help:"Write the JSON to this file as well." placeholder:"FILE"`
	Binary string `help:"A voted binary to measure, instead of building it." placeholder:"FILE" type:"existingfile"`
	Dir    string `help:"Make the data directories, which are removed again, in this one: its disk is what is measured (default: the system's temporary directory)." placeholder:"DIR" type:"existingdir"`

	// Progress gets a line about each step of the run; nil: no one does.
	Progress io.Writer `kong:"-"`
}

// Say writes a line about a step of the run.
func (o Options) Say(format string, args ...any) {
	if o.Progress != nil {
		fmt.Fprintf(o.Progress, format+"\n", args...)
	}
}

// MakeDir makes the directory of a measurement and describes the machine, with the disk
// that the directory is on. The caller removes the directory; after an error there is none.
func (o Options) MakeDir(name string) (dir string, about machine.Description, err error) {
	dir, err = os.MkdirTemp(o.Dir, "voted-"+name+"-")
	if err != nil {
		return "", about, fmt.Errorf("the directory of the measurement cannot be made: %w", err)
	}
	if about, err = machine.Describe(dir); err != nil {
		_ = os.Remove(dir) // it is empty; the disk is at fault anyway
		return "", about, err
	}
	return dir, about, nil
}

// Table is a report that can also be written for people.
type Table interface {
	WriteTable(out io.Writer) error
}

// Deliver prints the report to out, as tables or as JSON, and writes the JSON to a file
// if the options name one.
func (o Options) Deliver(report Table, out io.Writer) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("the measurement cannot be written as JSON: %w", err)
	}
	data = append(data, '\n')
	if o.Out != "" {
		if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
			return fmt.Errorf("the directory of %s cannot be made: %w", o.Out, err)
		}
		if err := os.WriteFile(o.Out, data, 0o644); err != nil {
			return fmt.Errorf("the measurement cannot be kept: %w", err)
		}
	}
	if !o.JSON {
		return report.WriteTable(out)
	}
	if _, err := out.Write(data); err != nil {
		return fmt.Errorf("the measurement cannot be printed: %w", err)
	}
	return nil
}
