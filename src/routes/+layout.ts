// Every screen is a static shell rendered in the browser: there is no server of ours.
export const ssr = false;
export const prerender = true;
export const trailingSlash = 'always';
