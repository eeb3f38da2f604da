package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/localcluster"
)

// witnessed starts a witness of another party, by HTTPS where it has a certificate, and returns
// its line for policies.
func (p place) witnessed(policy, cert, key string) string {
	p.t.Helper()
	c := &witnessCommand{
		Policy: p.at(policy), Accept: "votes.example/", Name: "observer.example/w1",
		Key: p.at("w1.proof.key"), Dir: p.at("witnessed"), Listen: "127.0.0.1:0", Rate: 50,
		TLSCert: cert, TLSKey: key,
	}
	ctx, stop := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	s := &session{ctx: ctx, stdout: display.New(writer), stderr: display.New(io.Discard), flags: &commonFlags{LogLevel: "error", LogFormat: "text"}}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(s) }()
	p.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			p.t.Errorf("the witness ended with %v", err)
		}
	})
	said, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return said
}

func TestWhatAClusterPublishesIsCountedAgainByAnybody(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	// Given three members that ask a witness of another party, and a policy that asks for both
	p := certified(t)
	p.voted("proof policy board --log-name votes.example --ca @ca/ca.crt @n1.proof.crt @n2.proof.crt @n3.proof.crt -o @members.policy", 0, "")
	line := p.witnessed("members.policy", "", "")
	name := strings.Fields(line)[1]
	both := strings.Replace(string(p.read("members.policy")), "quorum members", line+"group both all members "+name+"\nquorum both", 1)
	write(t, p.at("board.policy"), both)
	c, err := localcluster.Start(testContext(t, time.Minute), localcluster.Options{
		Binary: os.Args[0], Env: []string{asVoted + "=1"}, Nodes: 3, Dir: p.at("cluster"),
		Args: func(i int) []string {
			return []string{
				"--log-level", "warn", "--log-name", "votes.example", "--proof-key", p.at(fmt.Sprintf("n%d.proof.key", i+1)),
				"--proof-interval", "100ms", "--witness-policy", p.at("board.policy"),
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	at := " --endpoint " + c.Nodes[0].URL

	// when people vote, and one of them changes their mind
	p.voted("poll create board ann bo --revote until_close"+at, 0, "")
	p.voted("cast board v-1 ann --proof --policy @board.policy -o @v1"+at, 0, name)
	p.voted("cast board v-2 bo"+at, 0, "")
	p.voted("cast board v-1 bo --if-version 1"+at, 0, "")
	p.voted("verify receipt @v1 --policy @board.policy", 0, "Your ballot in board is counted: record 1 of 1.")
	// and the poll closes
	p.voted("poll close board"+at, 0, "")
	p.await("mirror board @log --policy @board.policy"+at, "The poll is closed, and nothing follows.")
	write(t, p.at("result.json"), p.voted("results board --json"+at, 0, ""))
	p.voted("export board --audit -o @board.audit"+at, 0, "")

	// then the result follows from what is published, and from what auditors have.
	const result, export = "verify result @log --policy @board.policy", "verify export @board.audit --checkpoint @log/checkpoint --policy @board.policy"
	p.voted(result+" --result @result.json", 0, "bo is elected: bo 2, ann 0.")
	p.voted(export+" --log-dir @log --result @result.json", 0, "Every one of the 2 ballots that count in board opens")
	p.voted(result+" --json", 0, `"winners":["bo"]`)
	p.voted("verify receipt @v1 --policy @board.policy --log-dir @log", 1, "replaced by record 3")

	// What is not so is said, and what cannot be decided is neither.
	write(t, p.at("other.json"), strings.ReplaceAll(string(p.read("result.json")), `"bo"`, `"ann"`))
	p.voted(result+" --result @other.json", 1, "do not come to this result")
	p.voted(export+" --result @other.json", 1, "do not come to this result")
	write(t, p.at("other.audit"), string(bytes.Replace(p.read("board.audit"), []byte(`["bo"]`), []byte(`["ann"]`), 1)))
	p.voted(strings.Replace(export, "board.audit", "other.audit", 1), 1, "shows another choice")
	p.voted(export+" --log-dir @nowhere", 2, "there is no directory")
	p.voted(export+" --roll @board.policy", 2, "")
	p.voted(strings.Replace(export, "@board.audit", "@none", 1), 2, "there is no file")
	p.voted("verify result @nowhere --policy @board.policy", 2, "there is no directory")
	p.voted("verify result @board.policy --policy @board.policy", 2, "is no directory")
	p.voted("verify result @log", 2, "--policy")
	p.voted(result+" --lot ann,bo,cy", 2, "is no option")
}

func TestAWitnessTakesHeadsInByHTTPS(t *testing.T) {
	t.Parallel()
	p := certified(t)
	p.voted("proof policy board --log-name votes.example --ca @ca/ca.crt @n1.proof.crt -o @members.policy", 0, "")
	p.voted("ca issue @ca member w1 --host 127.0.0.1 --out "+p.dir, 0, "")
	url := strings.Fields(p.witnessed("members.policy", p.at("w1.crt"), p.at("w1.key")))[3]
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.read("ca/ca.crt"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	answer, err := client.Post(url+"add-checkpoint", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(url, "https://") {
		t.Errorf("%s answers %d, %v", url, answer.StatusCode, err)
	}
	if answer, err := http.Post(strings.Replace(url, "https", "http", 1)+"add-checkpoint", "text/plain", strings.NewReader("hello")); err == nil && answer.StatusCode == http.StatusOK {
		t.Error("it answers by plain HTTP")
	}
}

// await runs a command line until it ends with 0, and says what it should.
func (p place) await(line, says string) {
	p.t.Helper()
	until := time.Now().Add(20 * time.Second)
	for {
		args := strings.Fields(line)
		for i, a := range args {
			if name, ok := strings.CutPrefix(a, "@"); ok {
				args[i] = p.at(name)
			}
		}
		got := voted(args...)
		if got.code == 0 && strings.Contains(got.out, says) {
			return
		}
		if time.Now().After(until) {
			p.t.Fatalf("voted %s: exit %d, want %q\n%s%s", line, got.code, says, got.out, got.errout)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
