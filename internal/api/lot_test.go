package api

import "testing"

// byLot is a poll whose ties a lot decides.
const byLot = `{"options":["ann","bo","cy"],"method":"approval","seats":2,"tie_break":"lot"}`

func TestALotDecidesWhatBallotsLeftOpen(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", byLot)
	for _, voter := range []string{"u", "v"} {
		g.cast("p", voter, `{"selections":["ann","bo","cy"]}`)
	}
	g.do("PUT", "/v1/polls/p/lot", `{"order":["cy","ann","bo"]}`).want(409).code("poll_not_closed")
	g.do("POST", "/v1/polls/p/close", "").want(200)
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"winners":[]`)
	g.do("PUT", "/v1/polls/p/lot", `{"order":["cy","ann","bo"]}`).want(200).holds(`"lot":{"order":["cy","ann","bo"]}`)
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"winners":["ann","cy"]`).holds(`"step":"lot"`)
	// The same lot changes nothing, another one is refused.
	before := g.b.digest()
	g.do("PUT", "/v1/polls/p/lot", `{"order":["cy","ann","bo"]}`).want(200)
	g.do("PUT", "/v1/polls/p/lot", `{"seed":"43"}`).want(409).code("lot_drawn")
	if g.b.digest() != before {
		t.Error("a lot that was entered before changed the state")
	}
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"seats":2,"tie_break":"lot","lot":{"order":["cy","ann","bo"]}`)
}

func TestALotOfASeedShowsTheSeedAndItsOrder(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", byLot)
	g.do("POST", "/v1/polls/p/close", "").want(200)
	// for o in ann bo cy; do printf %s 42$o | sha256sum; done
	g.do("PUT", "/v1/polls/p/lot", `{"seed":"42"}`).want(200).holds(`"lot":{"order":["cy","ann","bo"],"seed":"42"}`)
}

func TestALotThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", byLot)
	g.poll("listed", twoOptions)
	g.do("POST", "/v1/polls/p/close", "").want(200)
	g.do("POST", "/v1/polls/listed/close", "").want(200)
	before := g.b.digest()
	for _, c := range []struct {
		poll, body, code string
		status           int
	}{
		{"p", `{}`, "malformed_request", 400},
		{"p", `{"order":["ann","bo","cy"],"seed":"42"}`, "malformed_request", 400},
		{"p", `{"seed":""}`, "malformed_request", 400},
		{"p", `{"order":"ann"}`, "malformed_request", 400},
		{"p", `{"order":["ann","bo"]}`, "invalid_poll", 422},
		{"p", `{"order":["ann","bo","bo"]}`, "invalid_poll", 422},
		{"p", `{"order":["ann","bo","di"]}`, "invalid_poll", 422},
		{"listed", `{"order":["ann","bo"]}`, "invalid_poll", 422},
		{"none", `{"seed":"42"}`, "poll_not_found", 404},
	} {
		g.do("PUT", "/v1/polls/"+c.poll+"/lot", c.body).want(c.status).code(c.code)
	}
	if g.b.digest() != before {
		t.Error("a lot that was refused changed the state")
	}
}

func TestADefinitionSaysHowItIsCounted(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("PUT", "/v1/polls/p", `{"options":["ann","bo","cy"],"method":"approval","seats":2,"tie_break":"lot","rules":{"lot":["cy","ann","bo"]}}`).
		want(201).holds(`"seats":2,"tie_break":"lot","rules":{"lot":["cy","ann","bo"]}`)
	// The defaults, said or not, are one poll.
	g.do("PUT", "/v1/polls/q", twoOptions).want(201).lacks(`"seats"`).lacks(`"tie_break"`).lacks(`"rules"`)
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo"],"seats":1,"tie_break":"report","rules":{}}`).want(200)
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo"],"tie_break":"listed"}`).want(409).code("poll_exists")
	for _, c := range []struct{ body, field string }{
		{`"seats":3`, "seats"},
		{`"seats":0`, "seats"},
		{`"seats":-1`, "seats"},
		{`"tie_break":"coin"`, "tie_break"},
		{`"rules":{"colour":"red"}`, `rules.colour`},
		{`"tie_break":"lot","rules":{"lot":["ann"]}`, `rules.lot`},
		{`"tie_break":"lot","rules":{"lot":["ann","di"]}`, `rules.lot`},
		{`"rules":{"lot":["ann","bo"]}`, `rules.lot`},
	} {
		g.do("PUT", "/v1/polls/r", `{"options":["ann","bo"],`+c.body+`}`).want(422).code("invalid_poll").holds(`{"field":"` + c.field + `"`)
	}
}

func TestABallotAsMarkedComesBackInTheExport(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("PUT", "/v1/polls/p", `{"options":["ann","bo","cy"],"method":"irv","ballots":"as_marked","disclosure":"ballots"}`).want(201).holds(`"marking":"as_marked"`).holds(`"ballots":0`)
	marks := `{"ranking":["bo",null,["ann","cy"],"bo"]}`
	g.do("PUT", "/v1/polls/p/ballots/v", marks).want(201)
	g.do("PUT", "/v1/polls/p/ballots/v", marks).want(200).holds(`"outcome":"replayed"`)
	g.do("GET", "/v1/polls/p/ballots", "").want(200).holds(`"ranking":["bo",null,["ann","cy"],"bo"]`)
	g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200).holds("bo>_>ann=cy>bo")
	g.do("PUT", "/v1/polls/p/ballots/w", `{"ranking":["bo",null,"di"]}`).want(422).code("invalid_ballot")
	// A strict poll refuses the same ballot, and says where it is wrong.
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo","cy"],"method":"irv","ballots":"strict"}`).want(201).lacks(`"marking"`)
	g.do("PUT", "/v1/polls/q/ballots/v", marks).want(422).code("invalid_ballot").holds(`"field":"ranking[1]"`)
	g.do("PUT", "/v1/polls/r", `{"options":["ann","bo"],"ballots":"on_paper"}`).want(422).code("invalid_poll").holds(`"field":"ballots"`)
	g.do("PUT", "/v1/polls/r", `{"options":["ann","bo"],"method":"score","ballots":"as_marked"}`).want(422).code("invalid_poll").holds(`"field":"ballots"`)
}
