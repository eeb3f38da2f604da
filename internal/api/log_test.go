package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"voted/internal/recount"
	"voted/internal/tally"
	"voted/proof"
)

// fill casts ballots of voters v0, v1, ….
func (g *rig) fill(id string, n int) {
	g.t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"voter":"v%d","selections":["%s"]}`+"\n", i, []string{"ann", "bo"}[i%2])
	}
	g.do("POST", "/v1/polls/"+id+"/ballots", lines.String(), "Content-Type", mediaNDJSON).want(200)
}

func TestTheTilesOfALogMakeTheRootThatWasSigned(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", revotable)
	g.fill("p", 700)
	p.sign("p")
	head, err := p.policyOf("p").Check([]byte(g.do("GET", "/v1/polls/p/log/checkpoint", "").want(200).has("Cache-Control", "no-cache").body))
	if err != nil || head.Size != 701 {
		t.Fatalf("the head is %v, %v", head, err)
	}
	entries := map[uint64][]byte{}
	for tile := range proof.Tiles(0, head.Size) {
		body := g.do("GET", "/v1/polls/p/log/"+tile.Path(), "").want(200).has("Cache-Control", "no-cache").body
		if tile.Level != proof.EntryBundle {
			if len(body) != tile.Width*32 {
				t.Errorf("%s has %d bytes", tile.Path(), len(body))
			}
			continue
		}
		bundle, err := proof.ParseBundle([]byte(body), tile.Width)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range bundle {
			entries[tile.Number*proof.TileWidth+uint64(i)] = e
		}
	}
	read := func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for i := from; i < to && yield(entries[i]); i++ {
			}
		}
	}
	var tree proof.Tree
	if err := tree.Grow(head.Size, read); err != nil {
		t.Fatal(err)
	}
	v, err := tree.At(head.Size, read)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := v.Root(); err != nil || root != head.Root {
		t.Errorf("the entries have the root %v, %v; signed is %v", root, err, head.Root)
	}
	// Leaf 0 is the definition as it is served.
	definition, err := proof.ParseDefinitionEntry(entries[0])
	if served := g.do("GET", "/v1/polls/p/log/definition", "").want(200).body; err != nil || definition.Rules != sha256.Sum256([]byte(served)) {
		t.Errorf("the first entry is of another definition: %v", err)
	}
	for name, path := range map[string]string{
		"beyond the head":     "tile/entries/003",
		"too wide":            "tile/0/002.p/190",
		"of a level too high": "tile/2/000.p/1",
		"spelt otherwise":     "tile/0/2.p/1",
		"with a query's name": "tile/../checkpoint",
	} {
		if a := g.do("GET", "/v1/polls/p/log/"+path, ""); a.status != 404 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	g.do("GET", "/v1/polls/none/log/checkpoint", "").want(404).code("poll_not_found")
	g.do("GET", "/v1/polls/p/log/checkpoint", "", "Accept", mediaJSON).want(406)
	g.do("HEAD", "/v1/polls/p/log/checkpoint", "").want(200)
}

func TestBeforeTheFirstHeadALogIsPending(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "ann", forAnn)
	for _, path := range []string{"log/checkpoint", "log/tile/0/000.p/2", "ballots/ann/proof"} {
		if a := g.do("GET", "/v1/polls/p/"+path, "").want(503).code("proof_pending"); a.header.Get("Retry-After") == "" || a.json()["retryable"] != true {
			t.Errorf("%s: %v %s", path, a.header, a.body)
		}
	}
	g.do("GET", "/v1/polls/p/log/definition", "").want(200)
	g.do("GET", "/v1/polls/p/log/policy", "").want(200)
	p.mu.Lock()
	p.silent = true
	p.mu.Unlock()
	g.do("GET", "/v1/polls/p/log/policy", "").want(503).code("proof_pending")
}

func TestWhileResultsAreHiddenSoIsTheLogThatShowsHowManyVoted(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", secretTill)
	g.cast("p", "ann", forAnn)
	p.sign("p")
	paths := []string{"log/checkpoint", "log/tile/0/000.p/2", "log/tile/entries/000.p/2", "ballots/ann/proof"}
	for _, path := range paths {
		g.do("GET", "/v1/polls/p/"+path, "").want(403).code("results_hidden")
	}
	g.do("POST", "/v1/polls/p/proofs", `{"voter":"ann"}`, "Content-Type", mediaNDJSON).want(403).code("results_hidden")
	g.do("GET", "/v1/polls/p/log/profile", "").want(409).code("poll_not_closed")
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, "Prefer", "proof").want(201).holds(`"proof_pending":true`).lacks(`"ballot"`)
	g.do("GET", "/v1/polls/p/log/definition", "").want(200)
	g.do("GET", "/v1/polls/p/log/policy", "").want(200)
	g.close("p")
	p.sign("p")
	for _, path := range paths {
		g.do("GET", "/v1/polls/p/"+path, "").want(200)
	}
}

func TestAClosedPollsClosingAndProfileFitEachOther(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", revotable)
	g.fill("p", 300)
	g.do("PUT", "/v1/polls/p/ballots/v0", forBo, "If-Match", `"1"`).want(200)
	p.sign("p")
	g.do("GET", "/v1/polls/p/log/closing", "").want(409).code("poll_not_closed")
	g.close("p")
	g.do("GET", "/v1/polls/p/log/closing", "").want(503).code("proof_pending") // the last head is of before
	p.sign("p")
	end, err := proof.ParseClosingProof([]byte(g.do("GET", "/v1/polls/p/log/closing", "").want(200).body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := end.Check(p.policyOf("p")); err != nil || end.Closing.Records != 301 || end.Closing.Voters != 300 {
		t.Errorf("it closed with %+v, %v", end.Closing, err)
	}
	// Everything that the result follows from is what the log has the hashes of.
	rules, err := recount.Definition([]byte(g.do("GET", "/v1/polls/p/log/definition", "").want(200).body), end.First)
	if err != nil {
		t.Fatal(err)
	}
	if err := recount.Ended(rules, end); err != nil {
		t.Error(err)
	}
	profile, err := recount.ReadProfile(strings.NewReader(g.do("GET", "/v1/polls/p/log/profile", "").want(200).body), rules)
	if err == nil {
		err = recount.CheckProfile(profile, &end.Closing)
	}
	if err != nil {
		t.Error(err)
	}
	counted, err := recount.Count(rules, profile, nil)
	if err == nil {
		err = counted.Compare([]byte(g.do("GET", "/v1/polls/p/results", "").want(200).body))
	}
	if err != nil {
		t.Error(err)
	}
	g.do("GET", "/v1/polls/p/log/profile", "").want(200).holds(`{"selections":["ann"],"count":149,"weight":149}` + "\n" + `{"selections":["bo"],"count":151,"weight":151}` + "\n")
	lines := []proof.ProfileLine{{Selections: []byte{0x01, 0x00}, Ballots: 149, Weight: 149}, {Selections: []byte{0x01, 0x01}, Ballots: 151, Weight: 151}}
	if c, _ := p.capture("p"); !slices.EqualFunc(c.Profile(), lines, func(a, b proof.ProfileLine) bool { return a.Ballots == b.Ballots && a.Weight == b.Weight }) {
		t.Errorf("the profile is %v", c.Profile())
	}
	// The closing is remembered: a pass over all ballots is not taken for each request.
	if len(g.h.closings.known) != 1 {
		t.Errorf("%d closings are remembered", len(g.h.closings.known))
	}
}

// Polls without a ballot have one digest, and so has a poll that closes once more after a restore.
func TestTheClosingOfAnotherPollOrAnotherCloseIsNotServed(t *testing.T) {
	t.Parallel()
	closed := func(before ...string) (*rig, *provers) {
		g, p := provingRig(t)
		for _, id := range append(before, "p") {
			g.poll(id, twoOptions)
			g.close(id)
			p.sign(id)
		}
		return g, p
	}
	g, p := closed("q")
	for _, id := range []string{"q", "p"} {
		end, err := proof.ParseClosingProof([]byte(g.do("GET", "/v1/polls/"+id+"/log/closing", "").want(200).body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := end.Check(p.policyOf(id)); err != nil {
			t.Errorf("the closing of %s: %v", id, err)
		}
	}
	// Given that a restore sets the poll back, and that it closes again with the same ballots, at another index,
	restored, _ := closed()
	g.b.set(func(b *backend) { b.state = restored.b.state })
	p.lineage = "r9"
	p.sign("p")
	// then its closing is that of the second close.
	g.do("GET", "/v1/polls/p/log/closing", "").want(200)
}

func TestTheResultOfEveryMethodFollowsFromWhatIsPublished(t *testing.T) {
	t.Parallel()
	for _, name := range tally.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, _ := tally.ByName(name)
			ballots := [][]string{
				tally.Choice:  {`{"selections":["ann"]}`, `{"selections":["bo"]}`, `{"selections":["cy"]}`},
				tally.Ranking: {`{"ranking":["ann","bo","cy"]}`, `{"ranking":["bo","cy"]}`, `{"ranking":["cy"]}`},
				tally.Scores:  {`{"scores":{"ann":5,"bo":2,"cy":0}}`, `{"scores":{"bo":4}}`, `{"scores":{"cy":3,"bo":1}}`},
			}[method.Form]
			g, p := provingRig(t)
			g.poll("p", `{"options":["ann","bo","cy"],"method":"`+name+`","eligibility":"roll"}`)
			var roll strings.Builder
			for i := range 60 {
				fmt.Fprintf(&roll, `{"voter":"v%d","weight":%d}`+"\n", i, 1+i%4)
			}
			g.upload("p", roll.String()).want(200)
			for i := range 60 {
				g.cast("p", fmt.Sprint("v", i), ballots[i*i%7%3])
			}
			g.close("p")
			p.sign("p")
			end, err := proof.ParseClosingProof([]byte(g.do("GET", "/v1/polls/p/log/closing", "").want(200).body))
			if err != nil {
				t.Fatal(err)
			}
			rules, err := recount.Definition([]byte(g.do("GET", "/v1/polls/p/log/definition", "").want(200).body), end.First)
			if err != nil {
				t.Fatal(err)
			}
			profile, err := recount.ReadProfile(strings.NewReader(g.do("GET", "/v1/polls/p/log/profile", "").want(200).body), rules)
			if err == nil {
				err = recount.CheckProfile(profile, &end.Closing)
			}
			if err != nil {
				t.Fatal(err)
			}
			counted, err := recount.Count(rules, profile, nil)
			if err != nil {
				t.Fatal(err)
			}
			told := g.do("GET", "/v1/polls/p/results", "").want(200).body
			if err := counted.Compare([]byte(told)); err != nil {
				t.Error(err)
			}
			other := strings.Replace(told, `"winners":["`, `"winners":["cy","`, 1)
			if err := counted.Compare([]byte(other)); !errors.Is(err, recount.ErrResult) {
				t.Errorf("another winner: %v", err)
			}
		})
	}
}

func TestWhoMayReadALogAndItsProofs(t *testing.T) {
	t.Parallel()
	for _, public := range []bool{false, true} {
		g, p := provingRig(t, func(o *Options) { o.Auth, o.PublicLogs = everybody, public })
		g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
		for _, voter := range []string{"ann", "bo"} {
			g.do("PUT", "/v1/polls/p/ballots/"+voter, forAnn, as("gateway")...).want(201)
		}
		g.do("POST", "/v1/polls/p/close", "", as("admin")...).want(200)
		p.sign("p")
		logs := []string{"log/checkpoint", "log/tile/0/000.p/4", "log/tile/entries/000.p/4", "log/definition", "log/profile", "log/closing", "log/policy"}
		for _, who := range []string{"", "nobody", "metrics", "ann", "jwt", "reader", "gateway", "admin"} {
			for _, path := range logs {
				want := 200
				switch {
				case public:
				case who == "" || who == "nobody":
					want = 401
				case who == "metrics":
					want = 403
				}
				if a := g.do("GET", "/v1/polls/p/"+path, "", as(who)...); a.status != want {
					t.Errorf("public %v, %q: GET %s is answered %d %s", public, who, path, a.status, a.body)
				} else if public && who == "" && a.header.Get("Voted-Index") != "" {
					t.Errorf("a stranger is told the log index with %s", path)
				}
			}
			may := map[string]bool{"gateway": true}
			if a := g.do("POST", "/v1/polls/p/proofs", `{"voter":"bo"}`, append(as(who), "Content-Type", mediaNDJSON)...); (a.status == 200) != may[who] {
				t.Errorf("%q: POST proofs is answered %d", who, a.status)
			}
			if a := g.do("GET", "/v1/polls/p/ballots/bo/proof", "", as(who)...); (a.status == 200) != may[who] {
				t.Errorf("%q: another voter's proof is answered %d", who, a.status)
			}
			may["ann"], may["jwt"] = true, true
			if a := g.do("GET", "/v1/polls/p/ballots/ann/proof", "", as(who)...); (a.status == 200) != may[who] {
				t.Errorf("%q: the voter's own proof is answered %d", who, a.status)
			}
		}
	}
}

func TestAMemberThatKeepsNoLogsSaysSoAndServesBallots(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "proof").want(201).lacks("proof")
	for _, path := range []string{"log/checkpoint", "log/tile/0/000.p/2", "log/definition", "log/profile", "log/closing", "log/policy", "ballots/ann/proof"} {
		g.do("GET", "/v1/polls/p/"+path, "").want(404).code("not_found").holds("--log-name")
	}
	g.do("POST", "/v1/polls/p/proofs", `{"voter":"ann"}`, "Content-Type", mediaNDJSON).want(404).code("not_found")
}

func TestWhatWasRestoredMeanwhileIsNotServedUnderTheHeadOfBefore(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", twoOptions)
	g.fill("p", 3)
	g.close("p")
	p.sign("p")
	// The poll of the same id with other ballots, as after a restore, while the prover still
	// has the tree of before.
	other, q := provingRig(t)
	other.poll("p", twoOptions)
	for _, voter := range []string{"v0", "v1", "v2"} {
		other.cast("p", voter, forBo)
	}
	other.close("p")
	before, _ := p.capture("p")
	q.heads["p"], q.before = p.heads["p"], &before
	for _, path := range []string{"log/tile/entries/000.p/4", "log/closing", "ballots/v1/proof"} {
		g.do("GET", "/v1/polls/p/"+path, "").want(200)
		other.do("GET", "/v1/polls/p/"+path, "").want(503).code("proof_pending")
	}
	other.do("POST", "/v1/polls/p/proofs", `{"voter":"v1"}`, "Content-Type", mediaNDJSON).want(200).holds("proof_pending")
	other.do("PUT", "/v1/polls/p/ballots/v0", forBo, "Prefer", "proof").want(200).holds(`"proof_pending":true`)
}

// A restore may drop what was signed: then the log of another lineage has other tiles under the same path.
func TestACacheAsksWhetherItsTileIsStillThatOfTheLog(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", twoOptions)
	g.fill("p", 3)
	p.sign("p")
	paths := []string{"log/tile/0/000.p/4", "log/tile/entries/000.p/4"}
	tags := map[string]string{}
	for _, path := range append(paths, "log/definition") {
		tag := g.do("GET", "/v1/polls/p/"+path, "").want(200).has("Cache-Control", "no-cache").header.Get("ETag")
		if len(tag) < 3 {
			t.Fatalf("%s has the tag %s", path, tag)
		}
		tags[path] = tag
		for _, method := range []string{"GET", "HEAD"} {
			if a := g.do(method, "/v1/polls/p/"+path, "", "If-None-Match", tag).want(304).has("ETag", tag).has("Cache-Control", "no-cache"); a.body != "" {
				t.Errorf("%s: 304 has %d bytes", path, len(a.body))
			}
		}
		g.do("GET", "/v1/polls/p/"+path, "", "If-None-Match", `"another"`).want(200)
	}
	if tags[paths[0]] == tags[paths[1]] {
		t.Error("two tiles have one tag")
	}
	// Later ballots leave the tiles of before as they are.
	g.cast("p", "late", forAnn)
	p.sign("p")
	for _, path := range paths {
		g.do("GET", "/v1/polls/p/"+path, "", "If-None-Match", tags[path]).want(304)
	}
	// Given a restore, and other ballots since, then no cache keeps what it has.
	other, _ := provingRig(t)
	other.poll("p", twoOptions)
	for _, voter := range []string{"v0", "v1", "v2"} {
		other.cast("p", voter, forBo)
	}
	g.b.set(func(b *backend) { b.state = other.b.state })
	p.lineage = "r9"
	p.sign("p")
	for _, path := range paths {
		if tag := g.do("GET", "/v1/polls/p/"+path, "", "If-None-Match", tags[path]).want(200).header.Get("ETag"); tag == tags[path] {
			t.Errorf("%s has the tag of before", path)
		}
	}
}

func TestAProofNamesItsVoterAndIsOfThatVoterAlone(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", revotable)
	g.fill("p", 520)
	p.sign("p")
	policy := p.policyOf("p")
	one := g.do("GET", "/v1/polls/p/ballots/v17/proof", "").want(200).has("Cache-Control", "no-store")
	r := receiptOf(t, one.body, policy)
	if r.Voter != "v17" || r.Number != 18 || r.Opening != nil || r.Final != nil {
		t.Errorf("the proof says %+v", r)
	}
	r.Voter = "v18"
	if _, err := r.Check(policy); !errors.Is(err, proof.ErrVoter) {
		t.Errorf("shown for another voter: %v", err)
	}
	g.do("GET", "/v1/polls/p/ballots/nobody/proof", "").want(404).code("ballot_not_found")
	// A later ballot is not under the head yet.
	g.do("PUT", "/v1/polls/p/ballots/v17", forAnn, "If-Match", `"1"`).want(200)
	g.do("GET", "/v1/polls/p/ballots/v17/proof", "").want(503).code("proof_pending")
	p.sign("p")
	r = receiptOf(t, g.do("GET", "/v1/polls/p/ballots/v17/proof", "").want(200).body, policy)
	if r.Number != 521 || r.Ballot.Supersedes != 18 {
		t.Errorf("the proof of the replacement says %+v", r)
	}
	// After the close it also shows that nothing came later.
	g.close("p")
	p.sign("p")
	r = receiptOf(t, g.do("GET", "/v1/polls/p/ballots/v17/proof", "").want(200).body, policy)
	if r.Final == nil || r.Number != 521 {
		t.Fatalf("after the close it says %+v", r)
	}
	r.Final.Closing.Voters++
	if _, err := r.Check(policy); !errors.Is(err, proof.ErrNotInTree) {
		t.Errorf("with another closing: %v", err)
	}
}

func TestReceiptsAreOpenedOnlyWhereThePollSaysSo(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	for id, definition := range map[string]string{
		"secret": twoOptions,
		"open":   roll,
		"shown":  `{"options":["ann","bo"],"receipt":"opened"}`,
	} {
		g.poll(id, definition)
		g.cast(id, "v", forBo)
		p.sign(id)
		r := receiptOf(t, g.do("GET", "/v1/polls/"+id+"/ballots/v/proof", "").want(200).body, p.policyOf(id))
		if opened := r.Opening != nil; opened != (id != "secret") {
			t.Errorf("the receipt of %s is opened: %v", id, opened)
		}
	}
}

func TestManyProofsAreAnsweredLineByLine(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", twoOptions)
	g.fill("p", 600)
	p.sign("p")
	g.cast("p", "late", forAnn)
	lines := `{"voter":"v599"}` + "\n" + `{"voter":"nobody"}` + "\n" + `{"voter":"v0"}` + "\n" + `{"vote":"x"}` + "\n" + "\n" + `{"voter":"late"}` + "\n" + `{"voter":" x"}` + "\n" + `{"voter":"v0"}`
	a := g.do("POST", "/v1/polls/p/proofs", lines, "Content-Type", mediaNDJSON).want(200).has("Cache-Control", "no-store")
	answers := strings.Split(strings.TrimSpace(a.body), "\n")
	want := []string{"v599", "ballot_not_found", "v0", "malformed_request", "malformed_request", "proof_pending", "invalid_voter", "v0"}
	if len(answers) != len(want) {
		t.Fatalf("%d answers:\n%s", len(answers), a.body)
	}
	for i, line := range answers {
		one := answer{t: t, body: line}.json()
		if int(one["line"].(float64)) != i+1 {
			t.Errorf("line %d is answered as %v", i+1, one["line"])
		}
		if text, proven := one["proof"].(string); proven {
			if r := receiptOf(t, text, p.policyOf("p")); r.Voter != want[i] || one["voter"] != want[i] {
				t.Errorf("line %d has the proof of %s", i+1, r.Voter)
			}
		} else if one["code"] != want[i] {
			t.Errorf("line %d is answered %v, want %s", i+1, one, want[i])
		}
	}
	g.do("POST", "/v1/polls/p/proofs", strings.Repeat("{}\n", maxProofs+1), "Content-Type", mediaNDJSON).want(413).code("payload_too_large")
	g.do("POST", "/v1/polls/p/proofs", `{"voter":"v0"}`).want(415)
	g.do("POST", "/v1/polls/none/proofs", `{"voter":"v0"}`, "Content-Type", mediaNDJSON).want(404)
}

func TestABallotIsHeldUntilItsProofIsThereIfItsSenderPrefersThat(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", revotable)
	answered := make(chan answer)
	go func() { answered <- g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "wait=5, proof") }()
	// It waits for its head: sign once the ballot is counted.
	if err := g.b.Changed(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.sign("p")
	a := <-answered
	if r := receiptOf(t, a.want(201).lacks("proof_pending").json()["proof"].(string), p.policyOf("p")); r.Voter != "ann" || r.Number != 1 {
		t.Errorf("the proof is of %s, ballot %d", r.Voter, r.Number)
	}
	// A retry gets the same proof at once.
	again := g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "proof").want(200).has("Idempotent-Replayed", "true")
	if again.json()["proof"] != a.json()["proof"] {
		t.Error("the retry has another proof")
	}
	// Without a head in time the ballot is counted all the same.
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, "Prefer", "proof", "Prefer", "wait=0").want(503)
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, "Prefer", "proof;x, wait=1").want(201).holds(`"proof_pending":true`).lacks(`"proof":`)
	// Who does not ask gets what was always sent.
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, "Prefer", `return="proof"`).want(200).lacks("proof")
	g.do("GET", "/v1/polls/p/ballots/ann", "", "Prefer", "proof").want(200).lacks("proof")
	// A refusal has no proof, and does not wait for one.
	g.do("PUT", "/v1/polls/p/ballots/ann", forBo, "Prefer", "proof").want(409).code("already_voted")
}

func TestAProofIsTheSameBytesWhoeverAsks(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", twoOptions)
	g.fill("p", 20)
	p.sign("p")
	one := g.do("GET", "/v1/polls/p/ballots/v3/proof", "").want(200).body
	many := g.do("POST", "/v1/polls/p/proofs", `{"voter":"v3"}`, "Content-Type", mediaNDJSON).want(200)
	if text := (answer{t: t, body: strings.TrimSpace(many.body)}).json()["proof"]; text != one || !bytes.HasPrefix([]byte(one), []byte("c2sp.org/tlog-proof@v1\n")) {
		t.Errorf("one is\n%s\nand the other\n%s", one, text)
	}
}
