package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/cmd/voted/display"
	"voted/proof"
)

// From the command's first line to a head that is good under a policy which names it.
func TestAWitnessCosignsWhatMembersSigned(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("..", "..", "proof", "testdata", "golden")
	dir := t.TempDir()
	policy := filepath.Join(golden, "board-2026.policy")
	c := &witnessCommand{
		Policy: policy, Accept: "votes.example/acme/", Name: "observer.example/w1",
		Key: filepath.Join(dir, "w1.proof.key"), Dir: filepath.Join(dir, "heads"), Listen: "127.0.0.1:0",
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	s := &session{ctx: ctx, stdout: display.New(writer), stderr: display.New(io.Discard), flags: &commonFlags{LogLevel: "error", LogFormat: "text"}}
	go func() { ended <- c.Run(s) }()
	said, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(said)

	note, err := os.ReadFile(filepath.Join(golden, "checkpoint-200"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(words[3]+"add-checkpoint", "text/plain", strings.NewReader("old 0\n\n"+string(note)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	line, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(text), "quorum members", said+"group both all members "+words[1]+"\nquorum both", 1)
	p, err := proof.ParsePolicy([]byte(both))
	if err != nil {
		t.Fatal(err)
	}
	if h, err := p.Check(append(note, line...)); err != nil || len(h.Cosigned) != 3 {
		t.Errorf("got %d %q: %+v, %v", answer.StatusCode, line, h, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAWitnessSaysWhatKeepsItFromBeingOne(t *testing.T) {
	t.Parallel()
	policy := filepath.Join("..", "..", "proof", "testdata", "golden", "board-2026.policy")
	dir := t.TempDir()
	rest := " --witness-key " + dir + "/k --dir " + dir + "/heads --policy " + policy
	for line, want := range map[string]string{
		"--accept votes.example/acme/ --name w1" + rest:                                           "a name of yours and a slash",
		"--accept votes.example/acme --name observer.example/w1" + rest:                           "and a slash, such as votes.example/acme/",
		"--accept votes.example/acme/ --name votes.example/acme/n1" + rest:                        "the policy of the members alone",
		"--accept votes.example/acme/ --name observer.example/w1" + rest + "x":                    "there is no file",
		"--name observer.example/w1" + rest:                                                       "--accept",
		"--accept votes.example/acme/ --name observer.example/w1 --tls-cert x" + rest:             "go together",
		"--accept votes.example/acme/ --name observer.example/w1 --tls-cert x --tls-key y" + rest: "x",
		"--accept votes.example/acme/ --name observer.example/w1 --rate -1" + rest:                "--rate",
	} {
		got := voted(append([]string{"witness"}, strings.Fields(line)...)...)
		if got.code != 2 || !strings.Contains(got.errout, want) {
			t.Errorf("`voted witness %s` exits %d and says %s", line, got.code, got.errout)
		}
	}
}
