package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestACredentialIsForItsVoterHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	key, credentials := issuer(t)
	a := &Authenticator{Credentials: credentials, Now: func() time.Time { return noon }}
	var names []string
	for _, written := range []string{"Zo\u00eb", "Zoe\u0308"} {
		credential, err := key.Issue("lunch", written, noon, noon.Add(time.Hour))
		must(t, err)
		who, err := a.Authenticate(context.Background(), bearer(credential))
		if err != nil || who.Voter != "Zo\u00eb" || !Decide(who, Need{Roles: Voter, Poll: "lunch", Voter: "Zo\u00eb"}) {
			t.Errorf("issued for %+q: %+v, %v", written, who, err)
		}
		names = append(names, who.Name)
	}
	if names[0] != names[1] {
		t.Errorf("one voter has two names in limits and logs: %q", names)
	}
}

func TestNoCredentialIsIssuedForWhatIsNoVoterID(t *testing.T) {
	t.Parallel()
	key, _ := issuer(t)
	for voter, says := range map[string]string{
		"zo\xeb":   "character 3 of the voter id is the byte 0xEB, which is not UTF-8",
		"ann ":     "white space at its end",
		"a\u200bn": "zero width space",
		"..":       "choose another id",
	} {
		if _, err := key.Issue("p", voter, noon, noon.Add(1)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+q: %v", voter, err)
		}
	}
	if _, err := key.Issue("p\xff", "ann", noon, noon.Add(1)); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("a poll that is no text: %v", err)
	}
}

func TestTheSubjectOfAJWTIsAVoterHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	jwts, err := OpenJWTs(quiet, file(t, s.jwks()), "votes", "")
	must(t, err)
	a := &Authenticator{JWTs: jwts, Now: func() time.Time { return noon }}
	for sub, says := range map[string]string{
		"Zo\u00eb":             "",
		"Zoe\u0308":            "",
		"Zo\u00eb ":            "white space at its end",
		"Zo\u00eb\u200d":       "zero width joiner",
		".":                    "choose another id",
		strings.Repeat("v", 9): "",
	} {
		who, err := a.Authenticate(context.Background(), bearer(token(t, jwt.SigningMethodEdDSA, s.ed, "ed", nil, change{"sub": sub})))
		want := strings.ReplaceAll(sub, "e\u0308", "\u00eb")
		if says == "" && (err != nil || who.Voter != want) || says != "" && (err == nil || !strings.Contains(Sentence(err), says)) {
			t.Errorf("%+q: %+v, %v", sub, who, err)
		}
	}
}

func TestAJWTWhoseClaimsAreNotTextIsRefused(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	jwts, err := OpenJWTs(quiet, file(t, s.jwks()), "votes", "")
	must(t, err)
	a := &Authenticator{JWTs: jwts, Now: func() time.Time { return noon }}
	for sub, taken := range map[string]bool{
		`"sub":"zoe"`:           true,
		"\"sub\":\"zo\xeb\"":    false, // these two would be one voter, called zo and U+FFFD
		"\"sub\":\"zo\xe9\"":    false,
		`"sub":"zo\udceb"`:      false,
		`"sub":"zo","sub":"ed"`: false, // the last one would win
		`"SUB":"zoe"`:           false,
	} {
		text := b64([]byte(`{"alg":"EdDSA","kid":"ed"}`)) + "." + b64([]byte(`{"aud":"votes","exp":4102444800,`+sub+`}`))
		signature, err := jwt.SigningMethodEdDSA.Sign(text, s.ed)
		must(t, err)
		who, err := a.Authenticate(context.Background(), bearer(text+"."+b64(signature)))
		if (err == nil) != taken || taken && who.Voter != "zoe" {
			t.Errorf("%+q: %+v, %v", sub, who, err)
		}
	}
}
