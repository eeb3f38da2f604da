package poll

import (
	"strings"
	"testing"
)

func tokenOf(n int) (h TokenHash) {
	h[0], h[1] = byte(n), byte(n>>8)
	return h
}

func issue(n int, member string) IssueToken {
	return IssueToken{Hash: tokenOf(n), Member: member, TTL: hour}
}

func redeem(n int, member, disk string) RedeemToken {
	return RedeemToken{Hash: tokenOf(n), Member: member, Disk: disk}
}

// said is what a result refuses with, "" where it was carried out.
func said(r Result) string {
	if r.Err == nil {
		return ""
	}
	return r.Err.Code.String() + ": " + r.Err.Detail
}

func TestJoinTokens(t *testing.T) {
	t.Parallel()
	const start = 1000
	type step struct {
		at   int64
		cmd  Command
		says string // in the refusal; "" where it is carried out
	}
	for name, steps := range map[string][]step{
		"a token lets its member in": {
			{start, issue(1, "n4"), ""}, {start, redeem(1, "n4", "disk"), ""},
		},
		"whose answer was lost asks again, also once the token has expired": {
			{start, issue(1, "n4"), ""}, {start, redeem(1, "n4", "disk"), ""}, {start, redeem(1, "n4", "disk"), ""}, {start + 2*hour, redeem(1, "n4", "disk"), ""},
		},
		"another disk is another member, and finds it used": {
			{start, issue(1, "n4"), ""}, {start, redeem(1, "n4", "disk"), ""}, {start, redeem(1, "n4", "other"), "forbidden: This join token was used already"},
		},
		"it is for one id": {
			{start, issue(1, "n4"), ""},
			{start, redeem(1, "n5", "disk"), "another member than n5; have a new one made with `voted cluster token n5`"},
			{start, redeem(1, "n4", "disk"), ""},
		},
		"its last moment is the one before it expires": {
			{start, issue(1, "n4"), ""}, {start + hour - 1, redeem(1, "n4", "disk"), ""},
		},
		"it expires": {
			{start, issue(1, "n4"), ""}, {start + hour, redeem(1, "n4", "disk"), "has expired; have a new one made"},
		},
		"a clock that goes back revives none": {
			{start, issue(1, "n4"), ""}, {start + hour, Tick{}, ""}, {start, redeem(1, "n4", "disk"), "has expired"},
		},
		"a day after its expiry it is forgotten": {
			{start, issue(1, "n4"), ""}, {start + hour + tokenMemory, redeem(1, "n4", "disk"), "is not known here"},
		},
		"one that nobody gave out": {
			{start, issue(1, "n4"), ""}, {start, redeem(2, "n4", "disk"), "forbidden: This join token is not known here, or was withdrawn; have"},
		},
		"a newer one for the same member withdraws it": {
			{start, issue(1, "n4"), ""},
			{start, issue(2, "n4"), ""},
			{start, redeem(1, "n4", "disk"), "not known here, or was withdrawn"},
			{start, redeem(2, "n4", "disk"), ""},
		},
		"a newer one for another member does not": {
			{start, issue(1, "n4"), ""}, {start, issue(2, "n5"), ""}, {start, redeem(1, "n4", "disk"), ""}, {start, redeem(2, "n5", "disk"), ""},
		},
		"a late duplicate of its making revives it as little as it withdraws a newer one": {
			{start, issue(1, "n4"), ""},
			{start, issue(2, "n4"), ""},
			{start, issue(1, "n4"), ""},
			{start, redeem(1, "n4", "disk"), "withdrawn"},
			{start, redeem(2, "n4", "disk"), ""},
			{start, issue(2, "n4"), ""},
			{start, redeem(2, "n4", "other"), "used already"},
		},
		"once its member was removed it lets nobody back in": {
			{start, issue(1, "n4"), ""},
			{start, redeem(1, "n4", "disk"), ""},
			{start, RevokeTokens{"n4"}, ""},
			{start, redeem(1, "n4", "disk"), "used already"},
			{start, RevokeTokens{"n4"}, ""},
		},
		"one that was not used is withdrawn": {
			{start, issue(1, "n4"), ""}, {start, RevokeTokens{"n4"}, ""}, {start, redeem(1, "n4", "disk"), "withdrawn"},
		},
		"of another member's nothing is withdrawn": {
			{start, issue(1, "n4"), ""}, {start, RevokeTokens{"n5"}, ""}, {start, redeem(1, "n4", "disk"), ""},
		},
		"what cannot be is refused": {
			{start, issue(1, "-"), "malformed_request"},
			{start, IssueToken{Member: "n4"}, "malformed_request"},
			{start, IssueToken{Member: "n4", TTL: MaxTokenTTL + 1}, "up to 7 days"},
			{start, redeem(1, "n4", ""), "malformed_request"},
			{start, redeem(1, "n4", strings.Repeat("d", MaxDiskBytes+1)), "malformed_request"},
			{start, redeem(1, "", "disk"), "malformed_request"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &scene{t, NewState()}
			for i, s := range steps {
				if wish, ok := s.cmd.(RedeemToken); ok {
					// What a look says beforehand is what the log decides.
					if err := c.s.TokenUsable(wish, s.at); (err == nil) != (s.says == "") && c.s.Clock() <= s.at {
						t.Errorf("step %d: a look says %v", i+1, err)
					}
				}
				got := said(c.do(s.at, s.cmd))
				if s.says == "" && got != "" || !strings.Contains(got, s.says) {
					t.Errorf("step %d, %T: %q, want %q", i+1, s.cmd, got, s.says)
				}
			}
		})
	}
}

func TestRefusedTokensLeaveNoTrace(t *testing.T) {
	t.Parallel()
	c := &scene{t, NewState()}
	c.do(1000, issue(1, "n4"))
	before := c.s.Digest()
	for _, cmd := range []Command{redeem(2, "n4", "disk"), redeem(1, "n5", "disk"), issue(1, "n4"), RevokeTokens{"n5"}, issue(3, "-")} {
		c.do(1000, cmd)
		if c.s.Digest() != before {
			t.Fatalf("%T changed the state", cmd)
		}
	}
	for _, cmd := range []Command{redeem(1, "n4", "disk"), RevokeTokens{"n4"}, issue(2, "n4")} {
		c.do(1000, cmd)
		if c.s.Digest() == before {
			t.Fatalf("%T is not in the digest", cmd)
		}
		before = c.s.Digest()
	}
	if at := c.s.TokenExpiry(tokenOf(2)); at != 1000+hour {
		t.Errorf("it expires at %d", at)
	}
	if at := c.s.TokenExpiry(tokenOf(1)); at != 0 {
		t.Errorf("a spent one expires at %d", at)
	}
}

func TestTheTableOfTokensIsBoundedAndThoseOfNoUseGiveWay(t *testing.T) {
	t.Parallel()
	c := &scene{t, NewState()}
	for n := range MaxJoinTokens {
		if got := said(c.do(1000, issue(n, "m"+strings.Repeat("x", n%60)+string(rune('a'+n/60))))); got != "" {
			t.Fatalf("token %d: %s", n, got)
		}
	}
	if got := said(c.do(1000, issue(MaxJoinTokens, "one-more"))); !strings.Contains(got, "too_many_requests") {
		t.Fatalf("one more than there may be: %q", got)
	}
	c.do(1000, RevokeTokens{"ma"})
	if got := said(c.do(1000, issue(MaxJoinTokens, "one-more"))); got != "" {
		t.Errorf("in the place of one that was withdrawn: %q", got)
	}
	if got := said(c.do(1000+hour, issue(MaxJoinTokens+1, "another"))); got != "" {
		t.Errorf("in the place of one that has expired: %q", got)
	}
	if n := len(c.s.tokens.all); n != MaxJoinTokens {
		t.Errorf("%d are remembered", n)
	}
}

func TestARestoreRevivesNoTokenOfTheBackupAndKeepsThoseOfTheCluster(t *testing.T) {
	t.Parallel()
	saved, running := &scene{t, NewState()}, &scene{t, NewState()}
	saved.do(1000, issue(1, "n4"))
	running.do(1000, issue(2, "n5"))
	running.do(1000, Tick{})
	if err := saved.s.Succeed(running.s, Succession{Position: 2}); err != nil {
		t.Fatal(err)
	}
	if err := saved.s.TokenUsable(redeem(1, "n4", "disk"), 1000); err == nil {
		t.Error("the backup's token lets a member in")
	}
	if err := saved.s.TokenUsable(redeem(2, "n5", "disk"), 1000); err != nil {
		t.Errorf("the cluster's own token does not: %v", err)
	}
}
