// A page that the workbook serves loads itself again when the book was built again.
window.workbook.served.then((state) => {
    if (state !== "ours") {
        return;
    }
    const events = new EventSource("/live");
    let shown;

    events.addEventListener("build", (event) => {
        if (shown !== undefined && shown !== event.data) {
            location.reload();
        }
        shown = event.data;
        document.getElementById("build-failure")?.remove();
    });

    events.addEventListener("failure", (event) => {
        let box = document.getElementById("build-failure");
        if (!box) {
            box = document.createElement("pre");
            box.id = "build-failure";
            box.setAttribute("role", "alert");
            document.querySelector("main").prepend(box);
        }
        box.textContent = event.data;
    });

    window.addEventListener("pagehide", () => events.close());
});
