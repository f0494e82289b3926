// The field for large archives on the import page: sends each one piece by piece, shows how far it is, then tells the page that it is here.
// Streamlit calls the function below at each rerun of the page; what is under way goes on. Texts are set as text, never as HTML.

const WORDS = {
  label: "Or a whole archive (.zip)",
  drop: "Drop .zip archives here",
  what: "Strava, Garmin, Apple Health and others, just as they were downloaded. Up to {gb} GB each.",
  choose: "Choose an archive",
  cancel: "Cancel",
  asking: "Asking whether it can be taken…",
  going: "{done} of {all} MB sent",
  arrived: "Sent: {names}.",
  cancelled: "Cancelled. Nothing of it was kept.",
  broke: "The upload broke off, and nothing of it was kept. Choose the archive again.",
  noZip: "{name}: this is no .zip archive. Drop single files, and folders, into the field for files.",
  large: "{name}: the archive is larger than {gb} GB. Take out what is no run, or send it in parts.",
};
const MB = 1e6;
const fields = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  let field = fields.get(root);
  if (!field) {
    field = new Field(root);
    fields.set(root, field);
  }
  field.component = component; // the newest one: it knows the page as it is now
  field.describe();
  return () => field.leave();
}

const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const whole = (number) => Math.round(number).toLocaleString("en-US");

function made(name, attributes = {}, text = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function timeLeft(spentS, done, all) {
  if (spentS < 2 || done === 0) return "";
  const leftS = (spentS / done) * (all - done);
  return leftS < 90 ? `, about ${Math.max(1, Math.round(leftS))} s left` : `, about ${Math.round(leftS / 60)} min left`;
}

class Field {
  constructor(root) {
    this.sending = null;
    this.isBusy = false;
    this.input = made("input", { type: "file", accept: ".zip,application/zip", multiple: "", hidden: "" });
    this.zone = made("div", { class: "zone", role: "group", "aria-labelledby": "label" });
    const says = made("div", { class: "says" });
    this.title = made("div", { class: "drop", "aria-hidden": "true" }, WORDS.drop);
    this.what = made("div", { id: "what", class: "what" });
    says.append(this.title, this.what);
    this.button = made("button", { type: "button", "aria-describedby": "what" }, WORDS.choose);
    this.zone.append(says, this.button, this.input);
    this.meter = made("div", { class: "under-way", hidden: "" });
    this.name = made("div", { class: "name" });
    this.progress = made("progress", { max: "1", value: "0", "aria-label": "Sent" });
    this.far = made("div", { class: "far" });
    this.stop = made("button", { type: "button" }, WORDS.cancel);
    this.meter.append(this.name, this.progress, this.far, this.stop);
    this.said = made("div", { class: "said", role: "status" });
    root.append(made("div", { id: "label", class: "label" }, WORDS.label), this.zone, this.meter, this.said);
    this.button.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => this.take([...this.input.files]));
    this.stop.addEventListener("click", () => this.cancel());
    this.zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.zone.classList.toggle("over", !this.isBusy);
    });
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      this.take([...event.dataTransfer.files]);
    });
  }

  describe() {
    this.gb = this.component.data.largest / 1e9;
    this.what.textContent = fill(WORDS.what, { gb: this.gb });
  }

  async take(files) {
    this.input.value = ""; // so that the same one can be chosen again
    if (this.isBusy || files.length === 0) return;
    this.isBusy = true;
    this.isCancelled = false;
    const arrived = [];
    const names = [];
    const refused = [];
    this.said.replaceChildren();
    this.meter.hidden = false;
    this.zone.hidden = true;
    for (const file of files) {
      if (this.isCancelled) break;
      try {
        arrived.push(await this.send(file));
        names.push(file.name);
      } catch (refusal) {
        if (!this.isCancelled) refused.push(refusal.message);
      }
    }
    this.meter.hidden = true;
    this.zone.hidden = false;
    this.isBusy = false;
    const lines = this.isCancelled ? [WORDS.cancelled] : refused;
    this.said.replaceChildren(...lines.map((line) => made("p", { class: this.isCancelled ? "" : "refused" }, line)));
    if (this.isCancelled || arrived.length === 0) return;
    this.said.append(made("p", {}, fill(WORDS.arrived, { names: names.join(", ") })));
    this.component.setTriggerValue("arrived", arrived);
  }

  async send(file) {
    this.name.textContent = file.name;
    this.progress.removeAttribute("value");
    this.far.textContent = WORDS.asking;
    const beginning = await file.slice(0, 4).text().catch(() => "");
    if (!beginning.startsWith("PK")) throw new Error(fill(WORDS.noZip, { name: file.name }));
    if (file.size > this.component.data.largest) throw new Error(fill(WORDS.large, { name: file.name, gb: this.gb }));
    const answer = await fetch(this.component.data.address, { method: "POST", body: new URLSearchParams({ name: file.name, size: file.size }) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(`${file.name}: ${told.refused ?? WORDS.broke}`);
    if (!this.isCancelled) await this.bytes(file, `${this.component.data.address}/${encodeURIComponent(told.upload)}`);
    return told.upload;
  }

  bytes(file, address) {
    const started = performance.now();
    return new Promise((done, broken) => {
      const sending = (this.sending = new XMLHttpRequest()); // fetch cannot say how much was sent
      sending.upload.addEventListener("progress", ({ loaded, total }) => {
        this.progress.value = total ? loaded / total : 0;
        const values = { done: whole(loaded / MB), all: whole(total / MB) };
        this.far.textContent = fill(WORDS.going, values) + timeLeft((performance.now() - started) / 1000, loaded, total);
      });
      sending.addEventListener("load", () => {
        if (sending.status === 204) return done();
        let said = WORDS.broke;
        try {
          said = JSON.parse(sending.responseText).refused ?? said;
        } catch {} // no answer of ours
        broken(new Error(`${file.name}: ${said}`));
      });
      for (const end of ["error", "abort"]) sending.addEventListener(end, () => broken(new Error(`${file.name}: ${WORDS.broke}`)));
      sending.open("PUT", address);
      sending.setRequestHeader("Content-Type", "application/octet-stream");
      sending.send(file);
    });
  }

  cancel() {
    this.isCancelled = true;
    this.sending?.abort();
  }

  leave() {
    this.cancel(); // another page, another patient, or the locked page
  }
}
