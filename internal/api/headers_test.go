package api

import (
	"testing"
	"time"
)

func TestPreferredWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []string
		wait   time.Duration
		ok     bool
	}{
		{"none", nil, 0, false},
		{"seconds", []string{"wait=5"}, 5 * time.Second, true},
		{"zero", []string{"wait=0"}, 0, true},
		{"quoted", []string{`wait="5"`}, 5 * time.Second, true},
		{"blanks and case", []string{"  Wait = 5 ; x=y"}, 5 * time.Second, true},
		{"among others", []string{`respond-async, foo="a,wait=9;b", wait=2`}, 2 * time.Second, true},
		{"in a second header", []string{"return=minimal", "wait=2"}, 2 * time.Second, true},
		{"twice: the first counts", []string{"wait=2, wait=1"}, 2 * time.Second, true},
		{"huge", []string{"wait=99999999999999999999"}, time.Hour, true},
		{"negative is ignored", []string{"wait=-1"}, 0, false},
		{"fractions are ignored", []string{"wait=1.5"}, 0, false},
		{"words are ignored", []string{"wait=long"}, 0, false},
		{"empty is ignored", []string{"wait"}, 0, false},
		{"as a parameter it is something else", []string{"foo; wait=1"}, 0, false},
		{"an open quote", []string{`foo="wait=1, wait=2`}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if wait, ok := preferredWait(c.values); wait != c.wait || ok != c.ok {
				t.Errorf("got %v, %v", wait, ok)
			}
		})
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []string
		key    string
		ok     bool
	}{
		{"absent", nil, "", true},
		{"quoted", []string{`"8e03978e-40d5"`}, "8e03978e-40d5", true},
		{"bare", []string{`8e03978e-40d5`}, "8e03978e-40d5", true},
		{"escapes", []string{`"a\"b\\c"`}, `a"b\c`, true},
		{"a blank within quotes", []string{`"a b"`}, "a b", true},
		{"empty", []string{`""`}, "", false},
		{"nothing", []string{``}, "", false},
		{"an open quote", []string{`"abc`}, "", false},
		{"something after the quote", []string{`"abc"x`}, "", false},
		{"an unknown escape", []string{`"a\n"`}, "", false},
		{"not ASCII", []string{`"é"`}, "", false},
		{"a bare list", []string{`a,b`}, "", false},
		{"two headers", []string{`"a"`, `"a"`}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if key, err := idempotencyKey(c.values); (err == nil) != c.ok || err == nil && key != c.key {
				t.Errorf("got %q, %v", key, err)
			}
		})
	}
}
