package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"voted/cmd/voted/display"
)

// terminal opens a terminal of its own; what is written to the file of the given name
// comes out of the returned one.
func terminal(t *testing.T) (shown *os.File, name string) {
	t.Helper()
	shown, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shown.Close() })
	fd := int(shown.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	name = fmt.Sprintf("/dev/pts/%d", n)
	// While it is open here, what was written stays to be read.
	held, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	return shown, name
}

func TestAFileThatIsATerminalGetsEscapesAndAnyOtherTheBytes(t *testing.T) {
	t.Parallel()
	const line = "{\"voter\":\"a\u202e\u009b\U000e0001\"}\n"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprint(w, line)
	}))
	t.Cleanup(s.Close)
	shown, tty := terminal(t)
	at(s.URL, "export", "p", "-o", tty).want(t, 0)
	got, err := bufio.NewReader(shown).ReadString('\n')
	if want := `{"voter":"a\u202e\u009b\udb40\udc01"}`; err != nil || strings.TrimSpace(got) != want {
		t.Errorf("the terminal got %q, %v, want %q", got, err, want)
	}
	file := filepath.Join(t.TempDir(), "p.ndjson")
	at(s.URL, "export", "p", "-o", file).want(t, 0)
	if b, err := os.ReadFile(file); err != nil || string(b) != line {
		t.Errorf("the file got %q, %v", b, err)
	}
}

func TestRefusedLinesAreWrittenToATerminalWithEscapes(t *testing.T) {
	t.Parallel()
	shown, tty := terminal(t)
	rejects, err := createRejects(tty, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rejects.close()
	rejects.write(refusal{Line: 1, Code: "invalid_ballot", Detail: unseen})
	if err := rejects.keep(); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(shown).ReadString('\n')
	var read refusal
	if err != nil || display.Safe(strings.TrimSpace(got)) != strings.TrimSpace(got) || json.Unmarshal([]byte(got), &read) != nil || read.Detail != unseen {
		t.Errorf("the terminal got %q, %v", got, err)
	}
}
