package natstest

import (
	"os"
	"testing"
)

// Files returns a copy of what a server that is stopped has on its disk.
func (s *Server) Files(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// PutBack gives a server that is stopped the files of before.
func (s *Server) PutBack(t testing.TB, dir string) {
	t.Helper()
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(s.dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}
