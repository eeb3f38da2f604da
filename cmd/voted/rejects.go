package main

import (
	"encoding/json"
	"os"
)

// rejectsFile takes refusals, one a line; without a name they go nowhere.
type rejectsFile struct {
	file *os.File
	err  error
}

func createRejects(name string) (*rejectsFile, error) {
	if name == "" {
		return &rejectsFile{}, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	return &rejectsFile{file: file}, nil
}

func (f *rejectsFile) write(v any) {
	if f.file != nil && f.err == nil {
		f.err = json.NewEncoder(f.file).Encode(v)
	}
}

func (f *rejectsFile) close() {
	if f.file != nil {
		_ = f.file.Close() // each line's own write has been checked
	}
}
