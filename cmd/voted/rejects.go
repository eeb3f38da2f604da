package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"voted/cmd/voted/display"
	"voted/internal/outfile"
	"voted/internal/usage"
)

// rejectsFile is the file of refusals, one a line; without a name they are dropped. Call
// keep to give the complete file its name.
type rejectsFile struct {
	name string
	file *outfile.File
	out  *bufio.Writer // if it is a terminal, control characters are escaped
	err  error
}

// createRejects begins the file of refusals. It refuses to replace what is
// being read, in; nil if that is no file.
func createRejects(name string, in os.FileInfo) (*rejectsFile, error) {
	if name == "" {
		return &rejectsFile{}, nil
	}
	if there, err := os.Stat(name); err == nil && in != nil && there.Mode().IsRegular() && os.SameFile(there, in) {
		return nil, usage.Errorf("--rejects %s is the file that is being read, and would replace it; give it another name", name)
	}
	file, err := outfile.Create(name)
	if err != nil {
		return nil, outputProblem(name, err)
	}
	return &rejectsFile{name: name, file: file, out: bufio.NewWriter(display.New(file.File).Data())}, nil
}

func (f *rejectsFile) write(v any) {
	if f.file != nil && f.err == nil {
		f.err = json.NewEncoder(f.out).Encode(v)
	}
}

// keep gives the file its name. After an error the file is not complete.
func (f *rejectsFile) keep() error {
	if f.file == nil {
		return nil
	}
	if f.err == nil {
		f.err = f.out.Flush()
	}
	if f.err == nil {
		f.err = f.file.Commit()
	}
	if f.err != nil {
		return fmt.Errorf("the refused lines could not be written: %w", outputProblem(f.name, f.err))
	}
	return nil
}

// close removes the file unless keep was called.
func (f *rejectsFile) close() {
	if f.file != nil {
		_ = f.file.Close() // what was kept has been checked
	}
}
