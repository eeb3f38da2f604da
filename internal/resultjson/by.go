package resultjson

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MarshalJSONTo implements json.MarshalerTo.
func (b By[V]) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i := range b {
		if err := e.WriteToken(jsontext.String(b[i].ID)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, &b[i].Value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *By[V]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return errors.New("an object should stand here")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*b = nil
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		p := Pair[V]{ID: token.String()}
		if err := json.UnmarshalDecode(d, &p.Value); err != nil {
			return err
		}
		*b = append(*b, p)
	}
	_, err := d.ReadToken()
	return err
}
