//! The cookie that holds a browser's refresh token where no script can read it.

use chinwag_core::limit::SESSION_IDLE_DAYS;
use http::HeaderMap;
use http::header::COOKIE;

/// The cookie's name: of the installation, so that two on one host do not mix.
pub(crate) fn name(installation: &str) -> String {
    format!("chinwag_{installation}")
}

/// The value of `Set-Cookie` that keeps the token.
pub(crate) fn set(name: &str, token: &str, secure: bool) -> String {
    let age_s = SESSION_IDLE_DAYS * 24 * 3600;
    cookie(name, token, age_s, secure)
}

/// The value of `Set-Cookie` that forgets it.
pub(crate) fn clear(name: &str, secure: bool) -> String {
    cookie(name, "", 0, secure)
}

fn cookie(name: &str, value: &str, age_s: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/v1/auth; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}")
}

/// The token in a request's cookies.
pub(crate) fn get(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
        cookies.split(';').find_map(|cookie| {
            let (key, value) = cookie.trim().split_once('=')?;
            (key == name && !value.is_empty()).then(|| value.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; chinwag_x=; b=2".parse().expect("a header"));
        headers.append(COOKIE, "chinwag_xy=no; chinwag_x=yes".parse().expect("a header"));
        assert_eq!(get(&headers, "chinwag_x").as_deref(), Some("yes"));
        assert_eq!(get(&headers, "chinwag_z"), None);
    }

    #[test]
    fn it_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = set("chinwag_x", "t", true);
        assert!(cookie.starts_with("chinwag_x=t; Path=/v1/auth; "));
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"));
        assert!(clear("chinwag_x", false).contains("Max-Age=0"));
    }
}
