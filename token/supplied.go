package token

// Supplied reports whether an administrator supplies the token, by an environment variable or as a systemd credential.
// It reads no token.
func (v *Vault) Supplied() bool {
	if v.custom != nil {
		return false
	}
	_, ok := externalOf(v.product, v.getenv)
	return ok
}
