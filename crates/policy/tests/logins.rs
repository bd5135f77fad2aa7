//! Logins to a cluster's nodes (E4).

use policy::Login;

#[cfg(test)]
fn login(text: &str) -> Login {
    text.parse().unwrap()
}

#[test]
fn e4_a_cluster_that_names_its_login_serves_that_one_alone() {
    assert!(login("ubuntu").is_served(Some("ubuntu")));
    assert!(login("root").is_served(Some("root")));
    for other in ["root", "Ubuntu", "ubuntu2"] {
        assert!(!login(other).is_served(Some("ubuntu")), "{other}");
    }
    assert!(!login("ubuntu").is_served(Some("root")));
}

#[test]
fn e4_any_other_serves_every_login_but_root() {
    assert!(login("ubuntu").is_served(None) && login("maya").is_served(None));
    assert!(!login("root").is_served(None));
}

#[test]
fn what_no_machine_calls_a_user_is_no_login() {
    for text in ["", "-x", "a b", "a\nb", "ä", "a/b", "a%u", &"x".repeat(65)] {
        assert!(text.parse::<Login>().is_err(), "{text:?}");
    }
    for text in ["a", "maya.m", "svc_1", "maya@corp.example", "m-1"] {
        assert_eq!(login(text).as_str(), text);
    }
}
