package client

import (
	strict "github.com/go-json-experiment/json"
	v1 "github.com/go-json-experiment/json/v1"
)

// decodeOptions are those of encoding/json, with two differences: times must be strict
// RFC 3339, and errors name the field.
var decodeOptions = strict.JoinOptions(v1.DefaultOptionsV1(), v1.ParseTimeWithLooseRFC3339(false), v1.ReportErrorsWithLegacySemantics(false))

// decodeJSON decodes what a node wrote into a value that has times.
func decodeJSON(data []byte, v any) error { return strict.Unmarshal(data, v, decodeOptions) }
