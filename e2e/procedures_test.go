package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/ports/portstest"

	"voted/client"
	"voted/internal/localcluster"
)

// endpoints is the operator's environment.
func endpoints(nodes ...*localcluster.Node) string {
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.URL)
	}
	return "VOTED_ENDPOINT=" + strings.Join(urls, ",")
}

func TestTheManualsWatchShowsWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	c := start(t)
	block := commandsOf(t, manual, "Watch")[0]
	said := newShell(t, endpoints(c.Nodes...)).must(placed(t, block, "127.0.0.1:8080", c.Nodes[0].APIAddr))
	for _, want := range []string{"ok\n", "voted_disk_free_bytes", "quorum 2 · can lose 1 more"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not show %q:\n%s", want, said)
		}
	}
}

func TestTheManualsTracesArrive(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 64)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			select {
			case arrived <- r.URL.Path + " " + string(body):
			default: // enough have
			}
		}
	}))
	t.Cleanup(receiver.Close)
	api, peer := portstest.Addr(t), portstest.Addr(t)
	s := newShell(t, "VOTED_API="+api, "VOTED_PEER="+peer, "VOTED_CLUSTER=n1="+peer)
	s.serve(placed(t, commandsOf(t, manual, "Watch")[1], "/var/lib/voted", s.dir, "http://127.0.0.1:4318", receiver.URL))
	s.must("voted poll create lunch pizza sushi --endpoint http://" + api)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	resp, body := request(t, "PUT", "http://"+api+"/v1/polls/lunch/ballots/ann", `{"selections":["pizza"]}`, "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if resp.StatusCode != 201 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	raw, err := hex.DecodeString(trace)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(30 * time.Second); ; {
		select {
		case got := <-arrived:
			if strings.HasPrefix(got, "/v1/traces ") && (strings.Contains(got, string(raw)) || strings.Contains(got, trace)) {
				return
			}
		case <-deadline:
			t.Fatal("no trace of the ballot arrives")
		}
	}
}

// From today's build to a later one, under load, one node after another.
func TestTheManualsUpgradeCostsNoError(t *testing.T) {
	t.Parallel()
	// Given a cluster of today's build under load,
	c, newer := start(t), laterBuild(t, todaysLevel+1)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 8)
	l.grow(t, 100)
	// and machines on which systemd restarts the build that was installed meanwhile,
	restarted := make(chan string, len(c.Nodes))
	machines := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/")
		if err := upgraded(t, c, id, newer); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		restarted <- id
	}))
	t.Cleanup(machines.Close)
	s := newShell(t, endpoints(c.Nodes...))
	s.tool("ssh", `[ "${*:2}" = "systemctl restart voted" ] && curl -sSf "`+machines.URL+`/$1"`)
	// when the loop of the manual has run,
	s.must(commandsOf(t, manual, "Upgrade")[0])
	// then all were restarted, in turn, newer formats are used, and no client saw an
	// error.
	close(restarted)
	var order []string
	for id := range restarted {
		order = append(order, id)
	}
	if got := strings.Join(order, " "); got != "n1 n2 n3" {
		t.Errorf("restarted were %s", got)
	}
	awaitLevel(t, c)
	awaitStatus(t, c, 0)
	l.grow(t, 100)
	l.finish(t)
	l.checkExact(t, c)
}

// upgraded restarts a node with a newer build, as `systemctl restart` does. It returns
// once the new process serves.
func upgraded(t *testing.T, c *localcluster.Cluster, id, newer string) error {
	for _, n := range c.Nodes {
		if n.ID != id {
			continue
		}
		if err := n.Terminate(); err != nil {
			return err
		}
		if err := n.Wait(t.Context()); err != nil {
			return err
		}
		if err := n.RestartWith(newer); err != nil {
			return err
		}
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if resp, err := http.Get(n.URL + "/livez"); err == nil {
				_ = resp.Body.Close() // it answers
				return nil
			}
		}
		return fmt.Errorf("%s does not serve again", id)
	}
	return fmt.Errorf("there is no machine %s", id)
}

func TestTheManualsReplacementOfAMember(t *testing.T) {
	t.Parallel()
	// Given a cluster under load, and a machine that is gone for good,
	c := start(t)
	living := c.Nodes[:2]
	all := dial(t, living[0].URL, living[1].URL)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	l.grow(t, 200)
	if err := c.Nodes[2].Kill(); err != nil {
		t.Fatal(err)
	}
	l.grow(t, 100)
	// when it is replaced by another machine,
	peer, api := portstest.Addr(t), portstest.Addr(t)
	s := newShell(t, endpoints(living...), "VOTED_API="+api)
	s.serve(placed(t, commandsOf(t, manual, "Replace a member")[0],
		"10.0.0.3:9080", peer, "10.0.0.1:9080", living[0].PeerAddr, "10.0.0.2:9080", living[1].PeerAddr, "/var/lib/voted", s.dir))
	// then there are three voting members again, no client saw an error, and the new
	// member has the whole state.
	waitForVoters(t, all, 3)
	l.grow(t, 100)
	l.finish(t)
	res, err := dial(t, "http://"+api).Results(t.Context(), "board", client.Linearizable)
	if err != nil || int(res.Ballots) != len(l.receipts) {
		t.Errorf("the new member counts %d of %d ballots, %v", res.Ballots, len(l.receipts), err)
	}
	if said := s.must("voted cluster status"); !strings.Contains(said, "can lose 1 more") {
		t.Errorf("the status is\n%s", said)
	}
}

func TestTheManualsReplacementWithAJoinToken(t *testing.T) {
	t.Parallel()
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 3, Dir: t.TempDir(), Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ready(t, c)
	gone := c.Nodes[2]
	if err := gone.Kill(); err != nil {
		t.Fatal(err)
	}
	api, peer := portstest.Addr(t), portstest.Addr(t)
	s := newShell(t, endpoints(c.Nodes[:2]...), "VOTED_API="+api)
	s.env = append(s.env, asVariables(gone.Args, "tls-", "peer-", "tokens", "audit")...) // the machine's voted.env
	s.env = append(s.env, asVariables(strings.Fields(c.Flags()), "ca", "token-file")...) // the operator's own
	s.serve(placed(t, commandsOf(t, manual, "Replace a member")[2],
		"10.0.0.3:9080", peer, "10.0.0.1:9080", c.Nodes[0].PeerAddr, "10.0.0.2:9080", c.Nodes[1].PeerAddr, "/var/lib/voted", s.dir+"/n3"))
	all, err := client.New(c.Endpoints()[:2], append(c.ClientOptions(), client.WithDeadline(60*time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.Close)
	waitForVoters(t, all, 3)
	// The token was valid for this one time.
	stranger := newShell(t)
	stranger.env = s.env
	said, code := stranger.run(fmt.Sprintf("cp %s/n3.token . && voted cluster remove n3 && voted serve --id n3 --data n3 --peer %s --join %s --join-token-file n3.token --api %s",
		s.dir, portstest.Addr(t), c.Nodes[0].PeerAddr, portstest.Addr(t)))
	if code != needsAnother || !strings.Contains(said, "was used already") {
		t.Errorf("the token again: exit code %d\n%s", code, said)
	}
}

// asVariables returns flags as environment variables: those whose names begin with one
// of the prefixes.
func asVariables(args []string, beginnings ...string) (env []string) {
	for i, arg := range args {
		name, isFlag := strings.CutPrefix(arg, "--")
		begins := func(b string) bool { return strings.HasPrefix(name, b) }
		if isFlag && slices.ContainsFunc(beginnings, begins) {
			env = append(env, "VOTED_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+args[i+1])
		}
	}
	return env
}

func TestTheManualsBackupIsVerifiedAndRestored(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	l.grow(t, 200)
	s := newShell(t, endpoints(c.Nodes...))
	s.must(commandsOf(t, manual, "Back up")[0])
	l.finish(t)
	s.must(commandsOf(t, manual, "Back up")[0]) // over the first backup, now with all of the load
	if said := s.must(commandsOf(t, manual, "Verify")[0]); !strings.Contains(said, "1 poll and ") {
		t.Errorf("verified:\n%s", said)
	}
	restore := commandsOf(t, manual, "Restore")
	// Into an empty cluster, which then holds the same state.
	empty := start(t)
	s.must(placed(t, restore[0], "http://10.0.0.1:8080", empty.Nodes[0].URL))
	l.checkExact(t, empty)
	// Over the cluster that it was made of, which holds more by now.
	if _, err := all.Cast(t.Context(), "board", "since", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	const example = "3 polls and 188571 ballots"
	said, code := s.run(placed(t, restore[1], example, "something else"))
	words := regexp.MustCompile(`1 poll and \d+ ballots`).FindString(said)
	if code != 1 || words == "" {
		t.Fatalf("with other words: exit code %d\n%s", code, said)
	}
	s.must(placed(t, restore[1], example, words))
	l.checkExact(t, c)
}

func TestTheManualsScheduleOfBackups(t *testing.T) {
	t.Parallel()
	api, peer := portstest.Addr(t), portstest.Addr(t)
	s := newShell(t, "VOTED_API="+api, "VOTED_PEER="+peer, "VOTED_CLUSTER=n1="+peer)
	backups := filepath.Join(s.dir, "backups")
	s.serve(placed(t, commandsOf(t, manual, "Back up")[1], "/var/lib/voted", filepath.Join(s.dir, "data"), "/var/backups/voted", backups))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(backups, "voted-n1-*.backup")); len(found) == 1 {
			s.must("voted verify backup " + found[0])
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no backup")
		}
	}
}

func TestTheManualsRecoveryFromLossOfQuorum(t *testing.T) {
	t.Parallel()
	// Given a cluster of which only one machine is left,
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	l.grow(t, 200)
	l.finish(t)
	checkDigests(t, c) // what was acknowledged has also reached n1
	for _, n := range c.Nodes {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	left := c.Nodes[0]
	blocks := commandsOf(t, manual, "Recover from loss of quorum")
	// when the manual's command is given, it changes nothing before it is confirmed,
	recovery := placed(t, blocks[0], "10.0.0.1:9080", left.PeerAddr, "/var/lib/voted", left.DataDir)
	s := newShell(t, endpoints(left))
	said, code := s.run(recovery)
	words := regexp.MustCompile(`recover n1 as \S+ at \d+ without n2 n3`).FindString(said)
	if code != 1 || words == "" || !strings.Contains(said, "nothing was changed") {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	s.must(strings.TrimSpace(recovery) + fmt.Sprintf(" --confirm %q", words))
	// then the member serves alone with everything it had, and others can join it.
	if err := left.Restart(); err != nil {
		t.Fatal(err)
	}
	newcomer, peer, api := newShell(t), portstest.Addr(t), portstest.Addr(t)
	newcomer.env = append(newcomer.env, "VOTED_API="+api)
	newcomer.serve(placed(t, blocks[1], "10.0.0.4:9080", peer, "10.0.0.1:9080", left.PeerAddr, "/var/lib/voted", newcomer.dir))
	waitForVoters(t, dial(t, left.URL), 2)
	for _, url := range []string{left.URL, "http://" + api} {
		res, err := dial(t, url).Results(t.Context(), "board", client.Linearizable)
		if err != nil || int(res.Ballots) != len(l.receipts) {
			t.Errorf("%s counts %d of %d ballots, %v", url, res.Ballots, len(l.receipts), err)
		}
	}
}

// A guarded cluster, as docs/security.md sets it up.
func TestTheManualsGuardedCluster(t *testing.T) {
	t.Parallel()
	block := commandsOf(t, "../docs/security.md", "Set up a guarded cluster")[0]
	if commandsOf(t, tutorial, "Under TLS, with a token")[0] != block {
		t.Errorf("the tutorial sets up another cluster than\n%s", block)
	}
	s := newShell(t)
	if err := os.Symlink(binary, filepath.Join(s.dir, "voted")); err != nil {
		t.Fatal(err)
	}
	api, peer := freeTriple(t), freeTriple(t)
	said := s.must(placed(t, block, "127.0.0.1:808", "127.0.0.1:"+api, "127.0.0.1:908", "127.0.0.1:"+peer))
	for _, want := range []string{"counted", "quorum 2 · can lose 1 more", "https://127.0.0.1:" + api + "3"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	// Without a token nothing is served.
	if said, code := s.run("VOTED_TOKEN_FILE= ./voted poll list --timeout 2s --ca secure/ca/ca.crt --endpoint https://127.0.0.1:" + api + "1"); code != 1 || !strings.Contains(said, "--token-file") {
		t.Errorf("without a token: exit code %d\n%s", code, said)
	}
}

// freeTriple returns all but the last digit of three free ports, which end in 1 to 3.
func freeTriple(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := portstest.Addr(t)
		prefix := address[strings.LastIndex(address, ":")+1 : len(address)-1]
		free := true
		for _, last := range []string{"1", "2", "3"} {
			free = free && isFree("127.0.0.1:"+prefix+last)
		}
		if free {
			return prefix
		}
	}
	t.Fatal("there are no three free ports in a row")
	return ""
}
