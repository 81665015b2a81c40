// Makes elements. Text is always text: there is no way through here for markup, and the page's policy allows none.

const SVG = 'http://www.w3.org/2000/svg';

/** An element: attributes by name, listeners as `onclick`, then children; what is null or false is left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts these children in place of all that an element has. */
export function fill(node, ...children) {
  node.replaceChildren(...kept(children));
  return node;
}

function filled(node, attributes, children) {
  node.append(...kept(children));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    // A select has a value only once it has its options.
    else if (name === 'value' && 'value' in node && node.namespaceURI !== SVG) node.value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  return node;
}

function kept(children) {
  const shown = (child) => child !== null && child !== undefined && child !== false;
  return children.flat(Infinity).filter(shown).map((child) => (child instanceof Node ? child : String(child)));
}

let fields = 0;

/** A field with its label; `hint` stands below it. */
export function field(label, input, hint) {
  fields += 1;
  const id = `field-${fields}`;
  input.id = id;
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  return el('div', { class: 'field' }, el('label', { for: id }, label), input, hint && el('small', { id: `${id}-hint` }, hint));
}

/** A select; each option is a text, or a pair of value and text. */
export function select(attributes, options) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  return el('select', attributes, pairs.map(([value, text]) => el('option', { value }, text)));
}

/** Does something at a click, and nothing at clicks that come before it is done. */
export function once(work) {
  return async ({ currentTarget: button }) => {
    button.disabled = true;
    await work().finally(() => { button.disabled = false; });
  };
}

/** Whether somebody is at it: what is under their fingers, or under a dialog that they answer, is not drawn anew. */
export function isHeld(node) {
  return node.contains(document.activeElement) || document.querySelector('dialog[open]') !== null;
}

/** Says something to those who do not see the page. */
export function announce(text) {
  document.getElementById('status').textContent = text;
}

let copied;

/** A button that copies a text, which may be known only when it is asked for. */
export function copyButton(text, label = 'Copy') {
  const button = el('button', { type: 'button', class: 'small', onclick: copy }, label);
  async function copy() {
    clearTimeout(copied);
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? text() : text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed: select and copy it';
    }
    announce(button.textContent);
    copied = setTimeout(() => { button.textContent = label; }, 2000);
  }
  return button;
}
