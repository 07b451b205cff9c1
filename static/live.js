// Brings a live part of a page up to date without loading the page again. The part names its address and its pace.
"use strict";

const part = document.querySelector("[data-live]");

async function renew() {
  // Nobody looks: nothing to fetch. Somebody reads with the keyboard: nothing to move away.
  if (document.hidden || part.contains(document.activeElement)) {
    return;
  }
  try {
    const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
    if (answer.redirected || answer.status === 401) {
      location.reload();
    } else if (answer.ok) {
      part.innerHTML = await answer.text();
    }
  } catch {
    // The server is away; the next round asks again.
  }
}

if (part) {
  setInterval(renew, Number(part.dataset.seconds) * 1000);
}
