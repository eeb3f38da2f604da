// Package webhook calls the endpoints of webhooks: what is sent and how it is signed, where
// it may go, and who is called when.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strconv"
	"time"
)

// Sign returns the header webhook-signature of Standard Webhooks, version v1: HMAC-SHA256 of the
// id, the second of the attempt and the body, by each of the keys. Receivers take what one key
// that they know has signed, so keys are rotated without losing a delivery.
//
// An id must have no dot. at is when the body is sent, not when the event happened: receivers
// refuse what was signed long ago, so each attempt is signed again.
func Sign(id string, at time.Time, body []byte, keys ...Key) string {
	var b []byte
	for i, k := range keys {
		if i > 0 {
			b = append(b, ' ')
		}
		mac := hmac.New(sha256.New, k.secret[:])
		_, _ = io.WriteString(mac, id) // a hash keeps no errors
		_, _ = io.WriteString(mac, "."+strconv.FormatInt(at.Unix(), 10)+".")
		_, _ = mac.Write(body)
		b = base64.StdEncoding.AppendEncode(append(b, "v1,"...), mac.Sum(nil))
	}
	return string(b)
}
