package pki

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"voted/internal/livefile"
)

// Expiry returns a function that returns until when the certificate in a file is valid,
// according to the file at each call.
func Expiry(w *livefile.Watch, path string) (func() time.Time, error) {
	file, err := livefile.Open(w, func(contents [][]byte) (time.Time, error) {
		block, _ := pem.Decode(contents[0])
		if block == nil || block.Type != "CERTIFICATE" {
			return time.Time{}, fmt.Errorf("the file %s does not begin with a certificate in PEM", path)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("the certificate in %s cannot be read: %w", path, err)
		}
		return c.NotAfter, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return file.Now, nil
}
