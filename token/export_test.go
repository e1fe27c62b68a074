package token

// OpenWith is Open with a keyring and environment variables of the test's own.
func OpenWith(cfg Config, ring Store, env map[string]string) *Vault {
	return open(cfg, ring, ringLinux, func(name string) string { return env[name] })
}

// Wrap makes a token that New would refuse.
func Wrap(secret string) Token { return wrap(secret) }

var (
	SecurityOutcome   = securityOutcome
	CredentialOutcome = credentialOutcome
	DecodeRecord      = decodeRecord
	EncodeRecord      = encodeRecord
)
