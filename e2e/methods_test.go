package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"voted/client"
)

// Each method's poll has so many voters; a third of them send their ballot twice.
const methodVoters = 40

// election is a poll of one method and the ballots that are cast in it.
type election struct {
	client.Definition
	ballots []client.Ballot
}

// elections are one for each method, the same in each run.
func elections() (all []election) {
	for i, m := range client.Methods() {
		e := election{Definition: client.Definition{
			ID: string(m), Method: m, Options: client.Options("ann", "bo", "cy", "dee", "eli"),
			MinSelections: new(0), // blank ballots too
		}}
		switch m {
		case client.STV, client.STARPR:
			e.Seats = 2
		}
		random := rand.New(rand.NewPCG(1, uint64(i)))
		for range methodVoters {
			e.ballots = append(e.ballots, randomBallot(m, random))
		}
		all = append(all, e)
	}
	return all
}

// randomBallot names some of the options, none now and then.
func randomBallot(m client.Method, random *rand.Rand) client.Ballot {
	options := []string{"ann", "bo", "cy", "dee", "eli"}
	random.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
	options = options[:random.IntN(len(options)+1)]
	switch m {
	case client.Plurality:
		return client.Choose(options[:min(1, len(options))]...)
	case client.Approval:
		return client.Choose(options...)
	case client.ScoreVoting, client.STAR, client.STARPR:
		points := map[string]int{}
		for _, o := range options {
			points[o] = random.IntN(6)
		}
		return client.Score(points)
	}
	return client.Rank(options...)
}

// What a cluster counts by each method while its leader is killed is what voted tally
// counts, from the export and from the ballots that were acknowledged.
func TestEveryMethodCountsThroughAKillOfTheLeaderAsAFileOfItsBallots(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	polls := elections()
	for _, e := range polls {
		if _, err := all.CreatePoll(t.Context(), e.Definition); err != nil {
			t.Fatalf("%s: %v", e.ID, err)
		}
	}

	// Given ballots in all polls, during which the leader is killed …
	castWhileTheLeaderIsKilled(t, all, polls, func() {
		victim := leaderOf(t, c)
		if err := victim.Kill(); err != nil {
			t.Error(err)
		}
		if err := victim.Restart(); err != nil {
			t.Error(err)
		}
	})
	ready(t, c)

	// … when the polls are closed, then each node says what the files say.
	dir := t.TempDir()
	for _, e := range polls {
		if _, err := all.ClosePoll(t.Context(), e.ID); err != nil {
			t.Fatalf("%s: %v", e.ID, err)
		}
		definition := filepath.Join(dir, e.ID+".json")
		writeFile(t, definition, get(t, c.Nodes[0].URL+"/v1/polls/"+e.ID))
		cast := tallied(t, definition, filepath.Join(dir, e.ID+"-cast.ndjson"), ndjson(t, e.ballots))
		less := tallied(t, definition, filepath.Join(dir, e.ID+"-less.ndjson"), ndjson(t, e.ballots[1:]))
		for _, n := range c.Nodes {
			polled := decoded(t, get(t, n.URL+"/v1/polls/"+e.ID+"/results"))
			exported := tallied(t, definition, filepath.Join(dir, e.ID+"-"+n.ID+".ndjson"), get(t, n.URL+"/v1/polls/"+e.ID+"/ballots"))
			if name := differing(polled, cast); name != "" {
				t.Errorf("%s at %s: %s is %v, and %v of the ballots that were cast", e.ID, n.ID, name, polled[name], cast[name])
			}
			if name := differing(polled, exported); name != "" {
				t.Errorf("%s at %s: %s is %v, and %v of the export", e.ID, n.ID, name, polled[name], exported[name])
			}
			if differing(polled, less) == "" {
				t.Errorf("%s at %s: a ballot less is not seen", e.ID, n.ID)
			}
		}
	}
	checkDigests(t, c)
}

// castWhileTheLeaderIsKilled casts all ballots, and calls kill once a third is counted. The
// last ballot of each poll is cast after that.
func castWhileTheLeaderIsKilled(t *testing.T, c *client.Client, polls []election, kill func()) {
	t.Helper()
	third, killed := make(chan struct{}), make(chan struct{})
	var counted atomic.Int64
	var wg sync.WaitGroup
	for _, e := range polls {
		wg.Go(func() {
			for i, b := range e.ballots {
				if i == len(e.ballots)-1 {
					<-killed
				}
				for range 1 + i%3/2 { // each third is sent twice
					if _, err := c.Cast(t.Context(), e.ID, fmt.Sprintf("v-%d", i), b); err != nil {
						t.Errorf("%s: %v", e.ID, err)
					}
				}
				if counted.Add(1) == int64(len(polls)*methodVoters/3) {
					close(third)
				}
			}
		})
	}
	<-third
	kill()
	close(killed)
	wg.Wait()
}

// differing names a field of a poll's results that a count of a file has otherwise.
func differing(polled, counted map[string]any) string {
	ofPollsOnly := []string{"index", "certified", "closed_index", "digest"}
	for name, value := range polled {
		if !slices.Contains(ofPollsOnly, name) && !reflect.DeepEqual(value, counted[name]) {
			return name
		}
	}
	return ""
}

func ndjson(t *testing.T, ballots []client.Ballot) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, b := range ballots {
		line, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// tallied is what voted tally says of ballots.
func tallied(t *testing.T, definition, path string, ballots []byte) map[string]any {
	t.Helper()
	writeFile(t, path, ballots)
	cmd := exec.CommandContext(t.Context(), binary, "tally", path, "--definition", definition, "--json")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("voted tally %s: %v\n%s", path, err, said.Bytes())
	}
	return decoded(t, out)
}

// decoded keeps numbers as they are written.
func decoded(t *testing.T, text []byte) (object map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return object
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, body)
	}
	return body
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
