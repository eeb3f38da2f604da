package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/localcluster"
)

func TestACAATokenAndCredentialsAreMadeOnceAndForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		line string
		code int
		says string // of what is printed, either way
	}{
		{"ca init " + at("ca"), 0, "ca.key"},
		{"ca init " + at("ca"), 2, "never overwritten"},
		{"ca issue " + at("ca") + " member n1 --host localhost,127.0.0.1", 0, "n1.crt"},
		{"ca issue " + at("ca") + " member n1", 0, "n1.proof.crt, of the proof key that was there"},
		{"ca issue " + at("ca") + " client ops --role admin --out " + dir, 0, "ops.key"},
		{"ca issue " + at("ca") + " client ops --role root", 2, "is no role"},
		{"ca issue " + at("ca") + " client ops", 2, "is no role"},
		{"ca issue " + at("ca") + " server web", 2, "host names"},
		{"ca issue " + at("none") + " member n1", 2, "voted ca init"},
		{"ca issue " + at("ca") + " member n1 --valid -1h", 2, "--valid"},
		{"token new --role admin,reader --name ops --tokens " + at("tokens"), 0, "voted_"},
		{"token new --role gateway --name gw1 --tokens " + at("tokens"), 0, "voted_"},
		{"token new --role gateway --name gw1 --tokens " + at("tokens"), 2, "stands twice"},
		{"token new --role voter --name v --tokens " + at("tokens"), 2, "is no role"},
		{"credential key " + at("voting.key"), 0, "voting.key.pub"},
		{"credential key " + at("voting.key"), 2, "never overwritten"},
		{"credential issue p ann bo --signing-key " + at("voting.key"), 0, "ann\tvc1."},
		{"credential issue p ann --signing-key " + at("voting.key") + " --link https://x.example/{poll}#{credential}", 0, "https://x.example/p#vc1."},
		{"credential issue p ann --signing-key " + at("voting.key") + " --link https://x.example/", 2, "{credential}"},
		{"credential issue p --signing-key " + at("voting.key"), 2, "name the voters"},
		{"credential issue p ann --signing-key " + at("voting.key.pub"), 2, "cannot be used"},
		{"poll list --token-file " + at("none"), 2, "there is no file"},
		{"poll list --cert " + at("ops.crt"), 2, "go together"},
		{"poll list --ca " + at("voting.key"), 2, "no certificate of a CA"},
	} {
		got := voted(strings.Fields(c.line)...)
		if got.code != c.code || !strings.Contains(got.out+got.errout, c.says) {
			t.Errorf("voted %s: exit %d\n%s%s", c.line, got.code, got.out, got.errout)
		}
	}
	for _, name := range []string{"ca/ca.key", "ca/n1.key", "ca/n1.proof.key", "ca/n1.proof.crt", "ops.key", "tokens", "voting.key"} {
		info, err := os.Stat(at(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestCommandsTalkToAClusterUnderTLSAsWhoTheyAre(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	ctx := testContext(t, time.Minute)
	dir := t.TempDir()
	key := filepath.Join(dir, "voting.key")
	if got := voted("credential", "key", key); got.code != 0 {
		t.Fatal(got)
	}
	c, err := localcluster.Start(ctx, localcluster.Options{
		Binary: os.Args[0], Env: []string{asVoted + "=1"}, Nodes: 3, Dir: filepath.Join(dir, "cluster"), Secure: true,
		Args: func(int) []string { return []string{"--log-level", "warn", "--credential-keys", key + ".pub"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) outcome {
		return voted(append(args, "--endpoint", c.Nodes[0].URL, "--endpoint", c.Nodes[1].URL, "--timeout", "10s")...)
	}
	flags := strings.Fields(c.Flags())
	admin := func(args ...string) outcome { return run(append(args, flags...)...) }
	want := func(got outcome, code int, says string) {
		t.Helper()
		if got.code != code || !strings.Contains(got.out+got.errout, says) {
			t.Errorf("exit %d, want %d and %q\n%s%s", got.code, code, says, got.out, got.errout)
		}
	}
	want(admin("poll", "create", "lunch", "pizza", "sushi"), 0, "lunch")
	want(admin("cast", "lunch", "bo", "pizza"), 0, "")
	want(run("poll", "list", "--ca", flags[1]), 1, "--token-file")
	want(run("poll", "list"), 1, "certificate")
	issued := voted("roll", "issue", "lunch", write(t, filepath.Join(dir, "members.csv"), "voter,weight\nann,3\n"), "--signing-key", key)
	_, credential, _ := strings.Cut(strings.TrimSpace(issued.out), "\t")
	own := filepath.Join(dir, "ann")
	if err := os.WriteFile(own, []byte(credential+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ann := func(args ...string) outcome { return run(append(args, "--ca", flags[1], "--token-file", own)...) }
	want(ann("cast", "lunch", "ann", "sushi"), 0, "")
	want(ann("cast", "lunch", "bo", "sushi"), 1, "one voter")
	want(ann("poll", "close", "lunch"), 1, "one voter")
	want(ann("results", "lunch"), 0, "sushi")
	issued = voted("credential", "issue", "lunch", "Zoe\u0308", "--signing-key", key)
	name, credential, _ := strings.Cut(strings.TrimSpace(issued.out), "\t")
	write(t, own, credential+"\n")
	if name != "Zo\u00eb" {
		t.Errorf("the credential is for %+q", name)
	}
	want(ann("cast", "lunch", "Zo\u00eb", "sushi", "--json"), 0, `"voter":"Zoë"`)
	want(ann("cast", "lunch", "Zoe\u0308", "sushi"), 0, "replayed")
	want(admin("poll", "close", "lunch"), 0, "")
	joins := joinWithToken(t, ctx, dir, c, admin)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	scanForSecrets(t, dir, c.Token(), credential, joins)
}

// joinWithToken starts a further node with a join token, waits until it votes, and
// returns the token.
func joinWithToken(t *testing.T, ctx context.Context, dir string, c *localcluster.Cluster, admin func(...string) outcome) string {
	t.Helper()
	made := admin("cluster", "token", "n4", "--ttl", "10m")
	token := strings.TrimSpace(made.out)
	if made.code != 0 || !strings.HasPrefix(token, "voted_join_") || !strings.Contains(made.errout, "for member n4, once, until") {
		t.Fatalf("exit %d\n%s%s", made.code, made.out, made.errout)
	}
	for _, wrong := range []string{"--ttl=0s", "--ttl=1500ms", "--ttl=200h"} {
		if got := admin("cluster", "token", "n5", wrong); got.code == 0 || strings.Contains(got.out, "voted_join_") {
			t.Errorf("%s: exit %d\n%s%s", wrong, got.code, got.out, got.errout)
		}
	}
	if got := admin("cluster", "token", "n5", "--revoke"); got.code != 0 {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.errout)
	}
	file := filepath.Join(dir, "n4", "token")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(made.out), 0o600)); err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(c.Dir, "secrets")
	if got := voted("ca", "issue", secrets, "member", "n4", "--host", "127.0.0.1"); got.code != 0 {
		t.Fatal(got)
	}
	ca, cert, key := filepath.Join(secrets, "ca.crt"), filepath.Join(secrets, "n4.crt"), filepath.Join(secrets, "n4.key")
	log, err := os.Create(filepath.Join(dir, "n4", "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, os.Args[0], "serve", "--id", "n4", "--data", filepath.Join(dir, "n4", "data"), "--api", "127.0.0.1:0", "--peer", "127.0.0.1:0",
		"--join", c.Nodes[0].PeerAddr+","+c.Nodes[1].PeerAddr, "--tls-cert", cert, "--tls-key", key,
		"--peer-ca", ca, "--peer-cert", cert, "--peer-key", key, "--tokens", filepath.Join(secrets, "tokens"))
	cmd.Env = append(os.Environ(), asVoted+"=1", "VOTED_JOIN_TOKEN_FILE="+file)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for {
		got := admin("cluster", "status", "--json") // exits 0 where all are healthy
		if got.code == 0 && strings.Count(got.out, `"role":"voter"`) == 4 {
			return token
		}
		select {
		case <-ctx.Done():
			b, _ := os.ReadFile(log.Name())
			t.Fatalf("n4 does not vote:\n%s", b)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// scanForSecrets looks for what must stand nowhere but in the files made for it.
func scanForSecrets(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	audited := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Base(path) == "token" || filepath.Base(path) == "ann" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds a secret", path)
			}
		}
		if strings.HasSuffix(path, ".audit") {
			audited += strings.Count(string(b), `"route":"/v1/polls/{poll}/close"`)
			if strings.Contains(string(b), "sushi") || strings.Contains(string(b), `"ann"`) {
				t.Errorf("%s holds a choice or a voter", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if audited != 2 {
		t.Errorf("closing the poll has %d lines in the audit logs, not two", audited)
	}
}

func TestTheDemonstrationIsExactUnderTLS(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster and casts thousands of ballots")
	}
	cmd := exec.CommandContext(testContext(t, 2*time.Minute), os.Args[0], "demo", "--exit", "--json", "--tls", "--ballots", "2000")
	cmd.Env = append(os.Environ(), asVoted+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"verdict":"EXACT"`) {
		t.Fatalf("%v\n%s", err, out)
	}
}
