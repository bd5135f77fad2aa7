//! The region at the top of the page where messages appear. It is always in the page, so that a screen reader announces
//! what is put into it.

use leptos::prelude::*;

use super::icon::{Icon, Sign};
use crate::flash::Notices;

#[component]
pub(crate) fn NoticeRegion() -> impl IntoView {
    let notices = expect_context::<Notices>();
    view! {
        <div class="notice-region" role="status">
            {move || notices.get().map(|notice| {
                let (class, sign) = if notice.is_problem {
                    ("notice notice-problem", Sign::Alert)
                } else {
                    ("notice", Sign::Check)
                };
                view! {
                    <div class=class>
                        <Icon sign/>
                        <p>{notice.text}</p>
                        <button
                            type="button"
                            class="icon-button needs-scripts"
                            aria-label="Dismiss"
                            on:click=move |_| notices.dismiss()
                        >
                            <Icon sign=Sign::Close/>
                        </button>
                    </div>
                }
            })}
        </div>
    }
}
