package poll

import (
	"strings"
	"testing"

	"voted/internal/refusal"
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

// reasonOf is the reason for which a result refuses, Usual if it was carried out.
func reasonOf(r Result) refusal.Reason {
	if r.Err == nil {
		return refusal.Usual
	}
	return r.Err.Reason
}

func TestJoinTokens(t *testing.T) {
	t.Parallel()
	const start = 1000
	type step struct {
		at   int64
		cmd  Command
		want refusal.Reason // Usual: it is carried out
	}
	for name, steps := range map[string][]step{
		"a token lets its member in": {
			{start, issue(1, "n4"), refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual},
		},
		"whose answer was lost asks again, also once the token has expired": {
			{start, issue(1, "n4"), refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual}, {start + 2*hour, redeem(1, "n4", "disk"), refusal.Usual},
		},
		"another disk is another member, and finds it used": {
			{start, issue(1, "n4"), refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual}, {start, redeem(1, "n4", "other"), refusal.TokenUsed},
		},
		"it is for one id": {
			{start, issue(1, "n4"), refusal.Usual},
			{start, redeem(1, "n5", "disk"), refusal.TokenOfAnother},
			{start, redeem(1, "n4", "disk"), refusal.Usual},
		},
		"its last moment is the one before it expires": {
			{start, issue(1, "n4"), refusal.Usual}, {start + hour - 1, redeem(1, "n4", "disk"), refusal.Usual},
		},
		"it expires": {
			{start, issue(1, "n4"), refusal.Usual}, {start + hour, redeem(1, "n4", "disk"), refusal.TokenExpired},
		},
		"a clock that goes back revives none": {
			{start, issue(1, "n4"), refusal.Usual}, {start + hour, Tick{}, refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.TokenExpired},
		},
		"a day after its expiry it is forgotten": {
			{start, issue(1, "n4"), refusal.Usual}, {start + hour + tokenMemory, redeem(1, "n4", "disk"), refusal.TokenUnknown},
		},
		"one that was never issued": {
			{start, issue(1, "n4"), refusal.Usual}, {start, redeem(2, "n4", "disk"), refusal.TokenUnknown},
		},
		"a newer one for the same member withdraws it": {
			{start, issue(1, "n4"), refusal.Usual},
			{start, issue(2, "n4"), refusal.Usual},
			{start, redeem(1, "n4", "disk"), refusal.TokenUnknown},
			{start, redeem(2, "n4", "disk"), refusal.Usual},
		},
		"a newer one for another member does not": {
			{start, issue(1, "n4"), refusal.Usual}, {start, issue(2, "n5"), refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual}, {start, redeem(2, "n5", "disk"), refusal.Usual},
		},
		"a late duplicate of its making revives it as little as it withdraws a newer one": {
			{start, issue(1, "n4"), refusal.Usual},
			{start, issue(2, "n4"), refusal.Usual},
			{start, issue(1, "n4"), refusal.Usual},
			{start, redeem(1, "n4", "disk"), refusal.TokenUnknown},
			{start, redeem(2, "n4", "disk"), refusal.Usual},
			{start, issue(2, "n4"), refusal.Usual},
			{start, redeem(2, "n4", "other"), refusal.TokenUsed},
		},
		"once its member was removed it does not let it back in": {
			{start, issue(1, "n4"), refusal.Usual},
			{start, redeem(1, "n4", "disk"), refusal.Usual},
			{start, RevokeTokens{"n4"}, refusal.Usual},
			{start, redeem(1, "n4", "disk"), refusal.TokenUsed},
			{start, RevokeTokens{"n4"}, refusal.Usual},
		},
		"one that was not used is withdrawn": {
			{start, issue(1, "n4"), refusal.Usual}, {start, RevokeTokens{"n4"}, refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.TokenUnknown},
		},
		"of another member's nothing is withdrawn": {
			{start, issue(1, "n4"), refusal.Usual}, {start, RevokeTokens{"n5"}, refusal.Usual}, {start, redeem(1, "n4", "disk"), refusal.Usual},
		},
		"what cannot be is refused": {
			{start, issue(1, "-"), refusal.TokenUnfit},
			{start, IssueToken{Member: "n4"}, refusal.TokenUnfit},
			{start, IssueToken{Member: "n4", TTL: MaxTokenTTL + 1}, refusal.TokenUnfit},
			{start, redeem(1, "n4", ""), refusal.TokenUnclaimed},
			{start, redeem(1, "n4", strings.Repeat("d", MaxDiskBytes+1)), refusal.TokenUnclaimed},
			{start, redeem(1, "", "disk"), refusal.TokenUnclaimed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &scene{t, NewState()}
			for i, s := range steps {
				if wish, ok := s.cmd.(RedeemToken); ok {
					// The check beforehand gives the same answer as the log.
					if err := c.s.TokenUsable(wish, s.at); (err == nil) != (s.want == refusal.Usual) && c.s.Clock() <= s.at {
						t.Errorf("step %d: a look says %v", i+1, err)
					}
				}
				r := c.do(s.at, s.cmd)
				if got := reasonOf(r); got != s.want || (r.Err == nil) != (s.want == refusal.Usual) || r.Err != nil && r.Err.Code != got.Code() {
					t.Errorf("step %d, %T: %v, want the reason %q", i+1, s.cmd, r, s.want)
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
		if r := c.do(1000, issue(n, "m"+strings.Repeat("x", n%60)+string(rune('a'+n/60)))); r.Err != nil {
			t.Fatalf("token %d: %v", n, r)
		}
	}
	if r := c.do(2000, issue(MaxJoinTokens, "one-more")); r.Err == nil || r.Err.Code != refusal.TooManyRequests || reasonOf(r) != refusal.TokensFull || r.Err.RetryAfter != hour-1000 {
		t.Fatalf("one more than there may be: %v", r)
	}
	c.do(1000, RevokeTokens{"ma"})
	if r := c.do(2000, issue(MaxJoinTokens, "one-more")); r.Err != nil {
		t.Errorf("in the place of one that was withdrawn: %v", r)
	}
	if r := c.do(1000+hour, issue(MaxJoinTokens+1, "another")); r.Err != nil {
		t.Errorf("in the place of one that has expired: %v", r)
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
