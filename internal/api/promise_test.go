package api

import (
	"encoding/json"
	"strings"
	"testing"

	"voted/proof"
)

// promised reads the promise of an answer, and checks it as its voter does.
func promised(t *testing.T, a answer, p *provers, voter string) proof.Promised {
	t.Helper()
	var body struct {
		Promise struct {
			Note       string `json:"note"`
			KeyNonce   []byte `json:"key_nonce"`
			Supersedes uint32 `json:"supersedes"`
			Seal       []byte `json:"seal"`
		} `json:"promise"`
	}
	if err := json.Unmarshal([]byte(a.has("Preference-Applied", "promise").body), &body); err != nil {
		t.Fatal(err)
	}
	q, err := p.policyOf("p").Promised([]byte(body.Promise.Note))
	if err == nil {
		err = q.CheckBallot(voter, [16]byte(body.Promise.KeyNonce), body.Promise.Supersedes, proof.Hash(body.Promise.Seal))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
	return q
}

func TestAPromiseComesAtOnceAndIsWhatTheLogThenHas(t *testing.T) {
	t.Parallel()
	g, p := provingRig(t)
	g.poll("p", revotable)
	// given ballots that no head covers, when their sender wants a promise, then it is in the answer,
	g.cast("p", "bo", forBo)
	a := g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "promise").want(201)
	first := promised(t, a, p, "ann")
	if first.Number != 2 || first.Origin != logName+"/p/1" {
		t.Errorf("the promise is %+v", first)
	}
	// a retry has the same bytes,
	again := g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "wait=5;x, Promise").want(200).has("Idempotent-Replayed", "true")
	if promised(t, again, p, "ann") != first || again.json()["promise"].(map[string]any)["note"] != a.json()["promise"].(map[string]any)["note"] {
		t.Errorf("the retry has another promise: %s", again.body)
	}
	// a replacement has one of its own,
	second := promised(t, g.do("PUT", "/v1/polls/p/ballots/ann", forBo, "If-Match", `"1"`, "Prefer", "promise").want(200), p, "ann")
	if second.Number != 3 || second.Leaf == first.Leaf {
		t.Errorf("the promise of the second ballot is %+v", second)
	}
	// and the log has what was promised, as the proof shows that comes with it.
	p.sign("p")
	both := g.do("PUT", "/v1/polls/p/ballots/ann", forBo, "If-Match", `"1"`, "Prefer", "proof, promise").want(200)
	r := receiptOf(t, both.json()["proof"].(string), p.policyOf("p"))
	if q := promised(t, both, p, "ann"); q != second || r.Number != q.Number || r.Ballot.Leaf() != q.Leaf {
		t.Errorf("promised was %+v, and the log has ballot %d, %v", q, r.Number, r.Ballot.Leaf())
	}
}

// What an answer says where there is no promise is what it says where none is asked for.
func TestWithoutAPromiseTheAnswerIsThatOfNoPreference(t *testing.T) {
	t.Parallel()
	const path = "/v1/polls/p/ballots/ann"
	for name, given := range map[string]func(t *testing.T) *rig{
		"a node that keeps no logs": func(t *testing.T) *rig {
			g := newRig(t)
			g.poll("p", twoOptions)
			return g
		},
		"results that are hidden": func(t *testing.T) *rig {
			g, _ := provingRig(t)
			g.poll("p", secretTill)
			return g
		},
		"a member that signs nothing": func(t *testing.T) *rig {
			g, p := provingRig(t)
			p.silent = true
			g.poll("p", twoOptions)
			return g
		},
		"a prover that has another ballot there": func(t *testing.T) *rig {
			g, p := provingRig(t)
			other, q := provingRig(t)
			for _, x := range []*rig{g, other} {
				x.poll("p", twoOptions)
			}
			other.cast("p", "bo", forBo)
			before, _ := q.capture("p")
			p.before = &before
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := given(t)
			g.do("PUT", path, forAnn, "Prefer", "promise").want(201).has("Preference-Applied", "").lacks("promise")
			asked, plain := g.do("PUT", path, forAnn, "Prefer", "promise").want(200), g.do("PUT", path, forAnn).want(200)
			if asked.body != plain.body {
				t.Errorf("the answer is\n%s\nand without the preference\n%s", asked.body, plain.body)
			}
		})
	}
	g, _ := provingRig(t)
	g.poll("p", twoOptions)
	g.do("PUT", path, forAnn).want(201).has("Preference-Applied", "").lacks("promise")
	g.do("PUT", path, forAnn, "Prefer", `return="promise"`).want(200).lacks("promise")
	g.do("GET", path, "", "Prefer", "promise").want(200).lacks("promise")
	g.do("PUT", path, forBo, "Prefer", "promise").want(409).code("already_voted").has("Preference-Applied", "")
	g.do("PUT", path, forAnn, "Prefer", "promise").want(200).has("Preference-Applied", "promise").holds(`"note":"voted promise v1\n`)
}

func TestAPromiseIsForThoseWhoMayReadTheReceipt(t *testing.T) {
	t.Parallel()
	g, _ := provingRig(t, func(o *Options) { o.Auth, o.PublicLogs = everybody, true })
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	for _, voter := range []string{"ann", "bo"} {
		g.do("PUT", "/v1/polls/p/ballots/"+voter, forAnn, as("gateway")...).want(201)
	}
	given := 0
	for who := range everybody {
		for _, voter := range []string{"ann", "bo"} {
			path := "/v1/polls/p/ballots/" + voter
			may := g.do("GET", path, "", as(who)...).status == 200
			a := g.do("PUT", path, forAnn, append(as(who), "Prefer", "promise")...)
			if has := strings.Contains(a.body, `"promise"`); has != may || has != (a.header.Get("Preference-Applied") != "") {
				t.Errorf("%s may read the receipt of %s: %v; asked for a promise, the answer is %d %s", who, voter, may, a.status, a.body)
			}
			if may {
				given++
			}
		}
	}
	if given == 0 || given == 2*len(everybody) {
		t.Errorf("of %d requests %d may read the receipt: this shows nothing", 2*len(everybody), given)
	}
}
