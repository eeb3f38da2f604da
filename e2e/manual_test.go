package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The procedures of the manual are carried out with exactly its commands: the test
// reads them from the document, and replaces only addresses, directories and words that
// depend on the machine. So the two cannot drift apart.

// manual is the document with the procedures.
const manual = "../docs/operations.md"

// commandsOf returns the blocks of shell commands in a section of a document.
func commandsOf(t *testing.T, document, section string) (blocks []string) {
	t.Helper()
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(b), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %q", document, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for {
		_, rest, more := strings.Cut(text, "```sh\n")
		if !more {
			break
		}
		block, after, closed := strings.Cut(rest, "```")
		if !closed {
			t.Fatalf("a block of %q is not closed", section)
		}
		blocks, text = append(blocks, block), after
	}
	if len(blocks) == 0 {
		t.Fatalf("the section %q of %s has no commands", section, document)
	}
	return blocks
}

// placed replaces what depends on the machine. It takes pairs: the text in the document
// and its replacement. The document must contain all of the texts.
func placed(t *testing.T, block string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(block, pairs[i]) {
			t.Fatalf("the manual no longer says %q:\n%s", pairs[i], block)
		}
	}
	return strings.NewReplacer(pairs...).Replace(block)
}

// shell runs blocks of commands like a person at a terminal, in a directory of its own
// with voted on the path.
type shell struct {
	t     *testing.T
	dir   string
	env   []string
	tools string // a directory that is first on the path
}

func newShell(t *testing.T, env ...string) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir(), tools: t.TempDir()}
	path := strings.Join([]string{s.tools, filepath.Dir(binary), os.Getenv("PATH")}, ":")
	s.env = append(os.Environ(), append([]string{"PATH=" + path}, env...)...)
	return s
}

// run runs a block and returns its output and exit code; a command that fails ends it.
// Its background processes end with the test.
func (s *shell) run(block string) (said string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block)
	var out bytes.Buffer
	log, err := os.Create(filepath.Join(s.t.TempDir(), "said")) // no pipe: background processes would keep it open
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	group := cmd.Process.Pid
	s.t.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL) }) // no process may be left
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if _, err := log.Seek(0, 0); err != nil {
		s.t.Fatal(err)
	}
	if _, err := out.ReadFrom(log); err != nil {
		s.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// must runs a block that has to succeed.
func (s *shell) must(block string) string {
	s.t.Helper()
	said, code := s.run(block)
	if code != 0 {
		s.t.Fatalf("exit code %d of\n%s\nwhich says\n%s", code, block, said)
	}
	return said
}

// serve runs the lines of a block. The line that begins with "voted serve" is left
// running, as in a terminal of its own.
func (s *shell) serve(block string) {
	s.t.Helper()
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "voted serve ") {
			line = strings.TrimSpace(line) + " >>serve.log 2>&1 &"
			s.t.Cleanup(func() {
				if log, err := os.ReadFile(filepath.Join(s.dir, "serve.log")); err == nil && s.t.Failed() {
					s.t.Logf("%s", log)
				}
			})
		}
		s.must(line)
	}
}

// tool puts a shell script on the path, in the place of one of the operator's programs.
func (s *shell) tool(name, script string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.tools, name), []byte("#!/usr/bin/env bash\nset -eu\n"+script+"\n"), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

func isFree(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = listener.Close() // it was only a test
	return true
}
