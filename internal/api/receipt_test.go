package api

import "testing"

func TestAReceiptThatIsUnchangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"revote":"until_close"}`)
	g.cast("p", "v", forAnn)
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"1"`).want(304).has("ETag", `"1"`).has("Cache-Control", "no-store")
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"7", W/"1"`).want(304)
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"2"`).want(200)
	g.do("PUT", "/v1/polls/p/ballots/v", forBo, "If-Match", `"1"`).want(200)
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"1"`).want(200).has("ETag", `"2"`)
	g.do("GET", "/v1/polls/p/ballots/nobody", "", "If-None-Match", `*`).want(404)
}

func TestAReceiptWhoseNumberWasHiddenIsSentOnceItIsNot(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"results":"after_close"}`)
	g.cast("p", "v", forAnn)
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"1"`).want(304)
	g.close("p")
	g.do("GET", "/v1/polls/p/ballots/v", "", "If-None-Match", `"1"`).want(200).holds(`"ballot":1`)
}
