package api

import (
	"slices"
	"strings"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
)

func TestARefusedLineSpeaksOfIfVersionAndARequestOfIfMatch(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"revote":"until_close"}`)
	g.cast("p", "v", forAnn)
	g.bulk("p", `{"voter":"v","selections":["bo"]}`+"\n").want(200).holds(`"code":"already_voted"`).holds(`send \"if_version\":1 with the new one`).lacks("If-Match")
	g.bulk("p", `{"voter":"v","selections":["bo"],"if_version":2}`+"\n").want(200).holds(`"code":"version_mismatch"`).holds(`The version in if_version is`).lacks("If-Match")
	g.do("PUT", "/v1/polls/p/ballots/v", forBo).want(409).holds(`send If-Match: \"1\" with the new one`).lacks("if_version")
	g.do("PUT", "/v1/polls/p/ballots/v", forBo, "If-Match", `"2"`).want(412).holds(`The version in If-Match is`).lacks("if_version")
}

func TestEveryRefusalOfABallotIsASentence(t *testing.T) {
	t.Parallel()
	for _, code := range []refusal.Code{
		refusal.PollNotFound, refusal.PollNotOpen, refusal.PollClosed, refusal.NotEligible, refusal.PollFull, refusal.StorageFull,
		refusal.InvalidBallot, refusal.AlreadyVoted, refusal.Superseded, refusal.VersionMismatch,
	} {
		for _, from := range []sender{alone, inBulk} {
			e := from.refuse(poll.Outcome{Kind: poll.Refused, Code: code, Receipt: poll.Receipt{Version: 3}})
			if !strings.HasSuffix(e.Detail, ".") || e.Version != 3 || e.Code != code {
				t.Errorf("%v: %+v", code, e)
			}
		}
	}
}

// spokenInTheCluster are the reasons that no request over HTTP can be refused for: only a
// member that asks to join receives them.
var spokenInTheCluster = []refusal.Reason{
	refusal.TokenUnclaimed, refusal.TokenUnknown, refusal.TokenOfAnother, refusal.TokenUsed, refusal.TokenExpired,
}

func TestEveryCodeAndEveryReasonIsASentence(t *testing.T) {
	t.Parallel()
	isSentence := func(e *refusal.Error) bool {
		e.Subject, e.Version = "board", 7
		s := sentence(e)
		return len(s) > 10 && strings.HasSuffix(s, ".") && !strings.ContainsAny(s, "{}%")
	}
	for _, code := range refusal.Codes() {
		if e := refusal.Of(code); !isSentence(e) {
			t.Errorf("%v is answered with %q", code, sentence(e))
		}
	}
	for _, reason := range refusal.Reasons() {
		if slices.Contains(spokenInTheCluster, reason) {
			continue
		}
		if e := refusal.For(reason); !isSentence(e) || sentence(e) == sentence(&refusal.Error{Code: e.Code, Subject: "board", Version: 7}) {
			t.Errorf("%v is answered with %q", reason, sentence(e))
		}
	}
	if n := len(reasonSentences) + len(spokenInTheCluster); n != len(refusal.Reasons()) {
		t.Errorf("there are sentences for %d reasons of %d", n, len(refusal.Reasons()))
	}
}

func TestARefusalIsSaidInItsOwnWordsWithItsValuesOrInThoseOfItsCode(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*refusal.Error{
		"Made by an older member.": {Code: refusal.PollExists, Reason: refusal.PollDeleted, Detail: "Made by an older member."},
		"The poll {version} in the backup is another one than the poll of that id here, for which ballots may be under way. Restore into an empty cluster instead.": {Code: refusal.PollExists, Reason: refusal.PollInUse, Subject: "{version}", Version: 3},
		"A different poll has this id; choose another id, or read that poll.":                                                                                       {Code: refusal.PollExists, Reason: 200},
	} {
		if got := sentence(e); got != want {
			t.Errorf("%v is said as %q", e, got)
		}
	}
}

func TestEveryRefusalOfARollsLineIsASentence(t *testing.T) {
	t.Parallel()
	for _, code := range []refusal.Code{refusal.PollClosed, refusal.MalformedRequest, refusal.Superseded, refusal.AlreadyVoted, refusal.PollFull} {
		if !strings.HasSuffix(rollRefusals[code], ".") {
			t.Errorf("%v is answered with %q", code, rollRefusals[code])
		}
	}
}

func TestAProblemNamesItsReasonAndEndsItsLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault *refusal.Error
		want  string
	}{
		"a case of its code":           {refusal.For(refusal.PollDeleted), `"code":"poll_exists","reason":"poll_deleted",`},
		"the only case":                {refusal.Of(refusal.PollExists), `"code":"poll_exists","retryable"`},
		"a case that a newer node has": {&refusal.Error{Code: refusal.PollExists, Reason: 200}, `"code":"poll_exists","retryable"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.b.set(func(b *backend) { b.fault = c.fault })
			a := g.do("PUT", "/v1/polls/p/ballots/v", forAnn)
			a.want(409)
			if !strings.Contains(a.body, c.want) || !strings.HasSuffix(a.body, "}\n") {
				t.Errorf("the problem is %q", a.body)
			}
		})
	}
}
